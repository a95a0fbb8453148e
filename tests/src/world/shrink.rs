//! Leaving out of a plan what its failure does not need.

use super::plan::Plan;

/// The smallest plan found that still fails. `fails` runs a plan; at most `tries` are run.
pub fn shrink(plan: &Plan, tries: usize, mut fails: impl FnMut(&Plan) -> bool) -> Plan {
    let mut smallest = plan.clone();
    let mut left = tries;
    let mut part = smallest.steps.len().div_ceil(2);
    while part > 0 {
        let mut from = 0;
        while from < smallest.steps.len() && left > 0 {
            let mut candidate = smallest.clone();
            let to = (from + part).min(candidate.steps.len());
            candidate.steps.drain(from..to);
            left -= 1;
            if fails(&candidate) {
                smallest = candidate;
            } else {
                from = to;
            }
        }
        if left == 0 {
            break;
        }
        part = if part == 1 { 0 } else { part.div_ceil(2) };
    }
    smallest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_failure_needs_is_what_stays() {
        let plan = Plan::of(7);
        let needed = plan.steps[plan.steps.len() / 2].at_ms;
        let small = shrink(&plan, 1_000, |plan| plan.steps.iter().any(|step| step.at_ms == needed));
        assert_eq!(small.steps.len(), 1);
        assert_eq!(small.steps[0].at_ms, needed);
    }
}
