//! Messages as files: what a shop without a mail server or a gateway does with them.

use std::io;
use std::path::{Path, PathBuf};

use super::store::queue::Claimed;

/// A folder of messages, one file each.
pub(super) struct Folder {
    path: PathBuf,
    extension: &'static str,
}

impl Folder {
    pub(super) fn open(path: PathBuf, extension: &'static str) -> Result<Self, (PathBuf, io::Error)> {
        match create_private_dir(&path) {
            Ok(()) => Ok(Self { path, extension }),
            Err(cause) => Err((path, cause)),
        }
    }

    /// Writes beside the target and renames, so that a reader sees all of it or nothing. A message that is sent again, after a
    /// crash, takes the place of the first. Not synced to the disk: the text stays in the database for whom a power cut takes
    /// the file.
    pub(super) async fn write(&self, message: &Claimed, content: Vec<u8>) -> io::Result<()> {
        let name = format!("{}-{}.{}", message.created_at.format("%Y%m%dT%H%M%SZ"), message.id, self.extension);
        let (temporary, target) = (self.path.join(format!(".{}.part", message.id)), self.path.join(name));
        tokio::task::spawn_blocking(move || {
            std::fs::write(&temporary, content)?;
            std::fs::rename(&temporary, &target)
        })
        .await
        .map_err(io::Error::other)?
    }
}

fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}
