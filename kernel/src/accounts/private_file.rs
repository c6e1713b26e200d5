//! Files that only the owner of this install may read, and that are there whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::id;

/// A file that is written and safe on disk, but not yet under its name. Dropped before that, it is removed.
pub(super) struct Staged {
    temporary: PathBuf,
    target: PathBuf,
}

impl Staged {
    /// Writes `bytes` beside `target`, for the owner alone.
    pub fn write(target: &Path, bytes: &[u8]) -> io::Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let temporary = target.with_file_name(format!(".{name}.{}", id::sequential()));
        let staged = Self { temporary, target: target.to_owned() };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&staged.temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(staged)
    }

    /// Gives the file its name, in place of any other.
    pub fn replace(self) -> io::Result<()> {
        std::fs::rename(&self.temporary, &self.target)?;
        sync_parent(&self.target)
    }

    /// Gives the file its name; false where there is one of that name already, which then stays. A rename would not
    /// tell: of two processes that start at once, the second would take the first one's key away from under it.
    pub fn publish_new(self) -> io::Result<bool> {
        match std::fs::hard_link(&self.temporary, &self.target) {
            Ok(()) => sync_parent(&self.target).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Gone already after a rename; a leftover is clutter, not a fault.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// A name is durable when its folder is.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => std::fs::File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_private_whole_and_never_overwritten_by_a_new_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join("secret");
        assert!(Staged::write(&target, b"first").and_then(Staged::publish_new).expect("published"));
        assert!(!Staged::write(&target, b"second").and_then(Staged::publish_new).expect("refused"));
        assert_eq!(std::fs::read(&target).expect("there"), b"first");
        Staged::write(&target, b"third").and_then(Staged::replace).expect("replaced");
        drop(Staged::write(&target, b"fourth").expect("staged"));
        assert_eq!(std::fs::read(&target).expect("there"), b"third");
        assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 1, "nothing is left beside it");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&target).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
