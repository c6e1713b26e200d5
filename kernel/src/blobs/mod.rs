//! Files by digest: plugin binaries and images; those that wait to be imported, by the id of their job. On disk; an S3 store will stand behind
//! the same functions.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// A folder of files that are named by what is in them or what they are for, so that a file never changes once it is there.
#[derive(Clone)]
pub struct Blobs {
    dir: PathBuf,
}

impl Blobs {
    /// Opens `dir`, creating it where it is missing.
    pub fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Keeps `bytes` under `name`. When it returns, a crash does not lose or halve them.
    pub async fn put(&self, name: &str, bytes: Bytes) -> io::Result<()> {
        let (dir, target) = (self.dir.clone(), self.path(name)?);
        tokio::task::spawn_blocking(move || write_whole(&dir, &target, &bytes)).await.map_err(io::Error::other)?
    }

    /// The bytes under `name`.
    pub async fn get(&self, name: &str) -> io::Result<Bytes> {
        tokio::fs::read(self.path(name)?).await.map(Bytes::from)
    }

    /// The bytes under `name`, to be read piece by piece.
    pub async fn open_file(&self, name: &str) -> io::Result<std::fs::File> {
        let path = self.path(name)?;
        tokio::task::spawn_blocking(move || std::fs::File::open(path)).await.map_err(io::Error::other)?
    }

    /// Forgets the bytes under `name`. Nothing there is fine: it may have been forgotten before a crash.
    pub async fn delete(&self, name: &str) -> io::Result<()> {
        match tokio::fs::remove_file(self.path(name)?).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if plain {
            Ok(self.dir.join(name))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a blob name"))
        }
    }
}

/// Writes beside the target and renames, so that a reader sees all of it or nothing.
fn write_whole(dir: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let temporary = dir.join(format!(".{}", crate::id::sequential()));
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, target)?;
    std::fs::File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_leads_nowhere_else_and_is_forgotten_once_or_twice() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
        std::fs::write(dir.path().join("secret"), "of somebody else").unwrap();
        for name in ["../secret", "", ".", "a/b", "a.b", "ä"] {
            assert_eq!(blobs.get(name).await.unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
            assert!(blobs.put(name, Bytes::new()).await.is_err() && blobs.delete(name).await.is_err(), "{name}");
        }
        blobs.put("a-1", Bytes::from_static(b"x")).await.unwrap();
        assert_eq!(blobs.get("a-1").await.unwrap(), "x");
        blobs.delete("a-1").await.unwrap();
        blobs.delete("a-1").await.unwrap();
        // Anything but that it is gone already is told.
        std::fs::create_dir(dir.path().join("blobs/folder")).unwrap();
        blobs.delete("folder").await.unwrap_err();
    }
}
