//! Bytes that are near to a sound file.

use proptest::prelude::*;

/// What troubles any reader of text.
const TROUBLE: [&[u8]; 11] = [
    b",",
    b"\"",
    b"\n",
    b"\r",
    b"\r\n",
    b"\xff",
    b"\0",
    b"\xef\xbb\xbf",
    b"1e999",
    b"-9223372036854775808",
    b"a long piece of text that soon makes a line too long",
];

/// Any bytes, or these pieces of a sound text among others that trouble any reader, after one of the heads.
pub(crate) fn text_bytes(
    heads: &'static [&'static [u8]],
    sound: &'static [&'static [u8]],
) -> impl Strategy<Value = Vec<u8>> {
    let pieces = [sound, &TROUBLE, &[b"2024-02-30", b"nan"]].concat();
    let pieces = prop::collection::vec(prop::sample::select(pieces), 0..30);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        (prop::sample::select(heads), pieces)
            .prop_map(|(head, pieces)| [head, &pieces.concat()].concat()),
    ]
}

/// The same bytes, up to five of them after the first `n_kept` changed, and maybe the end cut off.
pub(crate) fn damaged(sound: Vec<u8>, n_kept: usize) -> impl Strategy<Value = Vec<u8>> {
    let flip = (any::<prop::sample::Index>(), any::<u8>());
    let flips = prop::collection::vec(flip, 0..6);
    let cut = prop::option::weighted(0.3, any::<prop::sample::Index>());
    (flips, cut).prop_map(move |(flips, cut)| {
        let mut damaged = sound.clone();
        let n_bytes = damaged.len() - n_kept;
        for (index, byte) in flips {
            damaged[n_kept + index.index(n_bytes)] = byte;
        }
        if let Some(cut) = cut {
            damaged.truncate(n_kept + cut.index(n_bytes));
        }
        damaged
    })
}
