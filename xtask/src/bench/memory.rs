//! What a process holds in memory, as the kernel counts it.

use anyhow::{Context, Result};
use serde::Serialize;

/// Resident memory in bytes.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Memory {
    /// Now.
    pub resident: u64,
    /// The most that it ever was.
    pub peak: u64,
}

/// The memory of a process.
pub fn of(process: u32) -> Result<Memory> {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?;
    let field = |name| kibibytes(&status, name).with_context(|| format!("{path} has no {name}"));
    Ok(Memory {
        resident: field("VmRSS:")? * 1024,
        peak: field("VmHWM:")? * 1024,
    })
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_holds_something() {
        let memory = of(std::process::id()).unwrap();
        assert!(
            memory.resident > 100_000 && memory.peak >= memory.resident,
            "{memory:?}"
        );
        assert!(of(u32::MAX).is_err());
    }
}
