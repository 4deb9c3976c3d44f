//! Rows of a table, cut into pieces that threads may work on side by side.

use rayon::prelude::*;

/// Ids of a piece. It is the same for any number of threads, and so is every result.
pub(in crate::ops) const IDS_PER_PIECE: usize = 256;

/// Cuts rows into a piece for every [`IDS_PER_PIECE`] ids, which rise: from the row of its first id to that of its last.
///
/// # Panics
/// If ids do not rise or name no row.
pub(in crate::ops) fn row_pieces<'a>(
    rows: &'a mut [f32],
    width: usize,
    ids: &[u32],
) -> Vec<&'a mut [f32]> {
    let (mut rest, mut cut) = (rows, 0);
    let pieces = ids.chunks(IDS_PER_PIECE).map(|ids| {
        let (first, last) = (ids[0] as usize, ids[ids.len() - 1] as usize);
        let (_, from_first) = std::mem::take(&mut rest).split_at_mut((first - cut) * width);
        let (piece, after) = from_first.split_at_mut((last + 1 - first) * width);
        (rest, cut) = (after, last + 1);
        piece
    });
    pieces.collect()
}

/// Works on every piece, on several threads if there are several pieces: waking them costs more than a small piece.
pub(in crate::ops) fn for_each_piece<T: Send>(mut pieces: Vec<T>, work: impl Fn(T) + Send + Sync) {
    if pieces.len() > 1 {
        pieces.into_par_iter().for_each(work);
    } else if let Some(piece) = pieces.pop() {
        work(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_reach_from_their_first_row_to_their_last() {
        let mut rows: Vec<f32> = (0..3000).map(|x| x as f32).collect();
        let ids: Vec<u32> = (0..300).map(|i| i * 3 + 1).collect();
        let pieces = row_pieces(&mut rows, 3, &ids);
        let ends: Vec<_> = pieces
            .iter()
            .map(|piece| (piece[0], piece[piece.len() - 1]))
            .collect();
        assert_eq!(ends, [(3.0, 2300.0), (2307.0, 2696.0)]);
        assert!(row_pieces(&mut rows, 3, &[]).is_empty());
    }

    #[test]
    #[should_panic(expected = "mid > len")]
    fn an_id_past_the_rows_is_refused() {
        row_pieces(&mut [0.0; 6], 2, &[1, 3]);
    }
}
