//! What the numbers were measured on, without a date or a name.

/// One line: processor, cores, kernel, and the editor's version.
pub(super) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let model = read("/proc/cpuinfo").lines().find_map(|line| line.strip_prefix("model name")).map_or_else(
        || "unknown processor".to_owned(),
        |rest| rest.trim_matches([' ', '\t', ':']).to_owned(),
    );
    let editor = std::process::Command::new("nvim").arg("--version").output().ok().map_or_else(
        || "no nvim".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned(),
    );
    format!("{cores} cores of {model}, Linux {}, {editor}", kernel.trim())
}

fn read(file: &str) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}
