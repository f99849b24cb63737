//! Finds the name that somebody probably meant.

/// A longer text is no name that somebody mistyped, and comparing it would take long. In bytes.
const LONGEST: usize = 128;

/// Answers the candidate with the fewest single-character edits to `name`, if it is close enough to be meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let limit = (name.chars().count() / 2).max(2);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (row[j + 1] + 1).min(row[j] + 1).min(diagonal + usize::from(x != *y));
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_found_and_a_far_one_is_not() {
        let known = ["tool_call", "tool_result", "key"];
        assert_eq!(nearest("tool_cal", known), Some("tool_call"));
        assert_eq!(nearest("kye", known), Some("key"));
        assert_eq!(nearest("completely_else", known), None);
        assert_eq!(nearest(&"tool_call".repeat(1_000_000), known), None);
    }
}
