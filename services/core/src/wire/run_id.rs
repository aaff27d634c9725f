//! A run's id: what it is made of, and which arm it is the run of.

/// The id of an arm's run: the object's uid (letters and digits only), its generation, the arm and the hand-over. A repeated
/// hand-over has the same id, and nothing else has it.
pub fn run_id(uid: &str, generation: i64, arm: &str, handover: u32) -> String {
    format!("{uid}-{generation}-{arm}-{handover}")
}

/// The arm in a run's id, whose name may have hyphens; all of an id that is made otherwise.
pub fn arm_of(id: &str) -> &str {
    let arm = || {
        let (_uid, rest) = id.split_once('-')?;
        let (_generation, rest) = rest.split_once('-')?;
        rest.rsplit_once('-').map(|(arm, _handover)| arm)
    };
    arm().unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arm_is_found_in_its_id_whatever_its_name() {
        for arm in ["naive", "naive-2", "a-1-b-2", "1"] {
            assert_eq!(arm_of(&run_id("0a1b2c3d4e5f", 17, arm, 2)), arm);
        }
    }

    #[test]
    fn an_id_of_another_make_is_its_own_arm() {
        for id in ["r", "a1-0", "a-b-c"] {
            assert_eq!(arm_of(id), id);
        }
    }
}
