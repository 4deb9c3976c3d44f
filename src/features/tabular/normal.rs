//! Quantiles of the normal distribution.

/// Coefficients of the rational function for the centre, over those of [`UNDER_CENTRE`].
const CENTRE: [f64; 6] = [
    -3.969_683_028_665_376e1,
    2.209_460_984_245_205e2,
    -2.759_285_104_469_687e2,
    1.383_577_518_672_69e2,
    -3.066_479_806_614_716e1,
    2.506_628_277_459_239,
];

/// See [`CENTRE`].
const UNDER_CENTRE: [f64; 6] = [
    -5.447_609_879_822_406e1,
    1.615_858_368_580_409e2,
    -1.556_989_798_598_866e2,
    6.680_131_188_771_972e1,
    -1.328_068_155_288_572e1,
    1.0,
];

/// Coefficients of the rational function for the tails, over those of [`UNDER_TAIL`].
const TAIL: [f64; 6] = [
    -7.784_894_002_430_293e-3,
    -3.223_964_580_411_365e-1,
    -2.400_758_277_161_838,
    -2.549_732_539_343_734,
    4.374_664_141_464_968,
    2.938_163_982_698_783,
];

/// See [`TAIL`].
const UNDER_TAIL: [f64; 5] = [
    7.784_695_709_041_462e-3,
    3.224_671_290_700_398e-1,
    2.445_134_137_142_996,
    3.754_408_661_907_416,
    1.0,
];

/// Where the tails begin.
const LOW: f64 = 0.024_25;

/// The number that a share `p`, above 0 and below 1, of a standard normal distribution lies below. Relative error about 1e-9.
///
/// # Source
/// Algorithm of P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution function", 2003.
pub(super) fn normal_quantile(p: f64) -> f64 {
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        polynomial(&TAIL, q) / polynomial(&UNDER_TAIL, q)
    };
    if p < LOW {
        tail(p)
    } else if p > 1.0 - LOW {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        q * polynomial(&CENTRE, q * q) / polynomial(&UNDER_CENTRE, q * q)
    }
}

/// The polynomial with these coefficients, that of the highest power first.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients
        .iter()
        .fold(0.0, |sum, &coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_python() {
        // statistics.NormalDist().inv_cdf(p) of CPython 3.
        for (p, expected) in [
            (1e-7, -5.199_337_582_192_817),
            (0.001, -3.090_232_306_167_813),
            (0.02, -2.053_748_910_631_823),
            (0.025, -1.959_963_984_540_054),
            (0.25, -0.674_489_750_196_081_7),
            (0.5, 0.0),
            (0.841_344_746_068_542_9, 1.0),
            (0.99, 2.326_347_874_040_841),
        ] {
            let found = normal_quantile(p);
            assert!((found - expected).abs() < 1e-8, "{p}: {found} {expected}");
            assert!((normal_quantile(1.0 - p) + found).abs() < 1e-6, "{p}");
        }
    }
}
