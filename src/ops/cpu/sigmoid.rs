//! Sigmoid curves that compilers turn into vector instructions.

use super::small_exponential;

/// The logistic sigmoid of a number, and of its negative.
///
/// Both are precise to about 3e-7 relative down to -80 and stay at their values there below, about 2e-35.
#[inline(always)]
pub(in crate::ops) fn logistic(x: f32) -> (f32, f32) {
    // Beyond, numbers would be too small for a normal float, and slow.
    let distance = if x.abs() < 80.0 { x.abs() } else { 80.0 };
    let e = small_exponential(-distance);
    let near = 1.0 / (1.0 + e);
    let far = e * near;
    if x > 0.0 { (near, far) } else { (far, near) }
}

/// The chance that a standard normal number lies below `x`, and its density there.
///
/// Both are precise to 3e-7 absolute. Abramowitz and Stegun 1964, *Handbook of mathematical functions*, formula 7.1.26.
#[inline(always)]
pub(in crate::ops) fn normal(x: f32) -> (f32, f32) {
    // Beyond, numbers would be too small for a normal float, and slow.
    let distance = if x.abs() < 12.0 { x.abs() } else { 12.0 };
    let e = small_exponential(-0.5 * distance * distance);
    let t = 1.0 / (1.0 + 0.231_641_9 * distance);
    let p = 1.061_405_4_f32;
    let p = p * t - 1.453_152;
    let p = p * t + 1.421_413_7;
    let p = p * t - 0.284_496_74;
    let p = p * t + 0.254_829_6;
    let far = 0.5 * p * t * e;
    let below = if x > 0.0 { 1.0 - far } else { far };
    /// `1 / sqrt(2 pi)`
    const PEAK: f32 = 0.398_942_3;
    (below, PEAK * e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logistic_sigmoid_is_precise() {
        for step in -80_000..=80_000 {
            let x = step as f32 / 1000.0;
            let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
            let (found, opposite) = logistic(x);
            assert!((f64::from(found) - exact).abs() < 5e-7 * exact, "{x}");
            assert_eq!(logistic(-x).0, opposite, "{x}");
        }
        assert_eq!(logistic(1e4).0, 1.0);
        assert!(logistic(-1e4).0 < 1e-34);
    }

    #[test]
    fn the_normal_distribution_is_precise() {
        // Integrates the density by Simpson's rule from the exact 1/2 at 0.
        const STEP: f64 = 1e-3;
        let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        let mut exact = 0.5;
        for step in 0..14_000 {
            let x = f64::from(step) * STEP;
            for (x, exact) in [(x, exact), (-x, 1.0 - exact)] {
                let (below, peak) = normal(x as f32);
                assert!((f64::from(below) - exact).abs() < 3e-7, "{x}: {below}");
                assert!((f64::from(peak) - density(x)).abs() < 3e-7, "{x}: {peak}");
            }
            let middle = 4.0 * density(x + STEP / 2.0);
            exact += STEP / 6.0 * (density(x) + middle + density(x + STEP));
        }
        assert_eq!(normal(1e4).0, 1.0);
        assert!(normal(-1e4).0 < 1e-30);
    }
}
