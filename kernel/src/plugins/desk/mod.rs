//! Calls of plugins in force that failed, kept so that their authors can run them again on their own desk.
//!
//! | file | holds |
//! |---|---|
//! | `record` | what the kernel answers a call while it runs, in case that it fails |
//! | `question` | what a call was asked, for every function of the contract |
//! | `failed` | the calls that failed, on their way to whoever keeps them |
//! | `redact` | what of a call is secret, and is struck out |
//! | `file` | `kassa-call/1`: a call as a file |
//! | `playback` | the answers of a file, given again to the same questions |
//! | `replay` | the call, run again with them |

mod failed;
mod file;
mod playback;
mod question;
mod record;
mod redact;
mod replay;

pub use failed::{FailedCall, FailedCalls, FailedCallsConfig};
pub use file::{CallFile, FileFault};
pub(super) use playback::Playback;
pub(super) use question::{Asked, Question};
pub(super) use record::{Content, HttpAnswer, HttpResponse, KvAnswer, KvOperation, Place, Record};
pub use replay::{Ending, ReplayError, Replayed, run_again};
