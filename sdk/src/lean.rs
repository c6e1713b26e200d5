//! What std asks of a system, answered inside the plugin.
//!
//! Every import of a component is wired up anew for each call. std for wasm32-wasip2 reaches the system through libc, and libc
//! imports eleven interfaces of WASI for its streams and the environment, used or not: some 3 µs of a call of 13. With the
//! few functions that std calls defined here, the linker takes nothing of libc's own, and a plugin that uses neither clocks
//! nor `HashMap` imports `kassa:*` alone. What is printed goes to the log, line by line.

use core::ffi::{c_char, c_int};
use std::sync::Mutex;

use crate::log::{self, Level};

/// What was printed since the last line break: on standard output, and on standard error.
static UNFINISHED: Mutex<[Vec<u8>; 2]> = Mutex::new([Vec::new(), Vec::new()]);

fn print(stream: c_int, bytes: &[u8]) {
    let (index, level) = if stream == 1 { (0, Level::Info) } else { (1, Level::Error) };
    // Taken already where printing panics; that line is lost, the panic's own is not.
    let Ok(mut unfinished) = UNFINISHED.try_lock() else { return };
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let line = &mut unfinished[index];
        line.extend_from_slice(piece);
        if piece.ends_with(b"\n") {
            log::write(level, String::from_utf8_lossy(line).trim_end());
            line.clear();
        }
    }
}

/// Part of a buffer that is written at once; `struct iovec` of C.
#[repr(C)]
struct Part {
    start: *const u8,
    length: usize,
}

// SAFETY of the four: their names and types are those of POSIX and C, so whoever calls them keeps what those ask: pointers to
// as many bytes as is said. A plugin has one thread, and no other definition is linked: two would be an error of the linker.

#[unsafe(no_mangle)]
unsafe extern "C" fn write(stream: c_int, start: *const u8, length: usize) -> isize {
    print(stream, unsafe { core::slice::from_raw_parts(start, length) });
    length as isize
}

#[unsafe(no_mangle)]
unsafe extern "C" fn writev(stream: c_int, parts: *const Part, count: c_int) -> isize {
    let parts = unsafe { core::slice::from_raw_parts(parts, count as usize) };
    parts.iter().map(|part| unsafe { write(stream, part.start, part.length) }).sum()
}

/// There is nothing to leave: the call ends as by a trap.
#[unsafe(no_mangle)]
extern "C" fn _Exit(_code: c_int) -> ! {
    core::arch::wasm32::unreachable()
}

/// The environment is empty.
#[unsafe(no_mangle)]
extern "C" fn getenv(_name: *const c_char) -> *mut c_char {
    core::ptr::null_mut()
}
