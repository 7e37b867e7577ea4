//! What the server of a push can do, as it says itself when the conversation begins (gitprotocol-capabilities(5)).
//!
//! git reports it only in its trace of packets (git(1), `GIT_TRACE_PACKET`); what it says about it to people may change. The trace of
//! one push goes into a folder that only this user can read, and is removed at once. A user's own trace lacks that push.

use std::{
    fs::{File, Permissions},
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
};

use super::command::ServerCommand;

/// How much of the beginning of a trace is read, in bytes: the capabilities stand beside the first ref.
const READ_LIMIT: u64 = 64 << 10;

/// The trace of one child.
pub(super) struct CapabilityTrace {
    folder: tempfile::TempDir,
}

impl CapabilityTrace {
    /// None where nothing can be written: then it is not known what the server can do.
    pub(super) fn new() -> Option<Self> {
        let folder = tempfile::Builder::new()
            .prefix("flota-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .ok()?;
        Some(Self { folder })
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("packets")
    }

    /// The command, with its trace written.
    pub(super) fn of(&self, command: ServerCommand) -> ServerCommand {
        command.env("GIT_TRACE_PACKET", self.file())
    }

    /// Whether the server can do `capability`; none if it did not come to say so. The trace is gone then.
    pub(super) fn has(self, capability: &str) -> Option<bool> {
        let mut text = Vec::new();
        let file = File::open(self.file()).ok()?;
        file.take(READ_LIMIT).read_to_end(&mut text).ok()?;
        announced(&String::from_utf8_lossy(&text), capability)
    }
}

/// Whether the first packet that comes with capabilities names this one.
fn announced(trace: &str, capability: &str) -> Option<bool> {
    // git writes the byte 0, which ends the first ref, as `\0`.
    let mut received = trace.lines().filter_map(|line| line.split_once("< "));
    let (_, capabilities) = received.find_map(|(_, packet)| packet.split_once("\\0"))?;
    Some(capabilities.split(' ').any(|word| word == capability))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_announces_is_read() {
        let line = |way: &str, more: &str| {
            format!(
                "03:49:49.5 pkt-line.c:80           packet:         {way} 11 refs/x\\0report-status {more}ofs-delta\n"
            )
        };
        for (trace, want) in [
            (line("push<", "atomic "), Some(true)),
            (line("push<", ""), Some(false)),
            (line("push<", "atomically "), Some(false)),
            // What git itself asks for comes later.
            (
                [line("push<", ""), line("push>", "atomic ")].concat(),
                Some(false),
            ),
            (line("push>", "atomic "), None),
            (String::new(), None),
        ] {
            assert_eq!(announced(&trace, "atomic"), want, "{trace}");
        }
    }
}
