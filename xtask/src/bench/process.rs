//! What the system counts for a program and all it has started: memory, threads, wake-ups, processor time.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What a program holds and has used up to now.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Usage {
    /// Proportional set size in KiB.
    pub(super) pss_kib: u64,
    pub(super) threads: u64,
    /// Times that a thread was put to sleep or displaced, since it began.
    pub(super) switches: u64,
    /// Processor time, user and system, in seconds.
    pub(super) cpu_seconds: f64,
}

/// Reads the counters of a process and its descendants.
pub(super) fn usage(pid: u32) -> Result<Usage> {
    let mut total = Usage::default();
    let mut left = vec![pid];
    while let Some(pid) = left.pop() {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        total.pss_kib += field(&folder.join("smaps_rollup"), "Pss:")?;
        total.cpu_seconds += cpu_seconds(&folder.join("stat"))?;
        for task in std::fs::read_dir(folder.join("task"))? {
            let task = task?.path();
            let switches = |name| field(&task.join("status"), name);
            let counted = switches("voluntary_ctxt_switches:")
                .and_then(|own| switches("nonvoluntary_ctxt_switches:").map(|forced| own + forced));
            // A thread may end between the listing and the reading; then it is none of the threads at rest.
            let Ok(counted) = counted else { continue };
            total.threads += 1;
            total.switches += counted;
            let children = std::fs::read_to_string(task.join("children")).unwrap_or_default();
            left.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    Ok(total)
}

fn field(file: &Path, name: &str) -> Result<u64> {
    let content = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    content
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .with_context(|| format!("{} has no `{name}`", file.display()))
}

/// User and system time of a `stat` file; the system counts in ticks of a hundredth of a second.
fn cpu_seconds(file: &Path) -> Result<f64> {
    let content = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    // The program's name stands in parentheses and may hold spaces; what follows does not.
    let after = content.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u32>().ok()).map(f64::from);
    let (user, system) = ticks(11).zip(ticks(12)).with_context(|| format!("{} is short", file.display()))?;
    Ok((user + system) / 100.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_can_be_read() {
        let usage = super::usage(std::process::id()).unwrap();
        assert!(usage.pss_kib > 0 && usage.threads > 0 && usage.switches > 0, "{usage:?}");
    }
}
