//! One thread that starts all children, so that the kernel ends them with the process and not before.
//!
//! `PR_SET_PDEATHSIG` fires when the *thread* that forked dies. A test starts its servers on a thread that ends with the
//! test, and a `static` shared by many tests would lose them with the first; this thread ends only with the process.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};

use nix::unistd::{Pid, getpid, getppid};

struct Request {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

/// Starts `command` as a child that the kernel kills when this process ends.
pub(super) fn spawn(mut command: Command) -> io::Result<Child> {
    end_with_parent(&mut command);
    let (reply, answer) = channel();
    spawner()?.send(Request { command, reply }).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

fn spawner() -> io::Result<Sender<Request>> {
    static SPAWNER: OnceLock<Sender<Request>> = OnceLock::new();
    if let Some(sender) = SPAWNER.get() {
        return Ok(sender.clone());
    }
    let (sender, requests) = channel();
    std::thread::Builder::new().name("testbed-spawner".into()).spawn(move || serve(&requests))?;
    // Where two threads come here at once, the loser's thread has no sender left and ends, having started nothing.
    Ok(SPAWNER.get_or_init(|| sender).clone())
}

fn serve(requests: &Receiver<Request>) {
    for Request { mut command, reply } in requests {
        let _ = reply.send(command.spawn());
    }
}

fn end_with_parent(command: &mut Command) {
    let parent = getpid();
    let before_exec = move || bind_to(parent);
    #[expect(unsafe_code, reason = "between fork and exec; only the system calls prctl and getppid are made there")]
    // SAFETY: the closure allocates nothing and takes no lock, so it may run in a forked child of a threaded process.
    unsafe {
        command.pre_exec(before_exec);
    }
}

fn bind_to(parent: Pid) -> io::Result<()> {
    ask_for_its_end()?;
    // The parent may have died before the line above: nobody would end this process any more.
    if getppid() == parent { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}

#[cfg(target_os = "linux")]
fn ask_for_its_end() -> io::Result<()> {
    Ok(nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?)
}

/// Other kernels cannot; there only a parent that ends in an orderly way takes its children along.
#[cfg(not(target_os = "linux"))]
fn ask_for_its_end() -> io::Result<()> {
    Ok(())
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts processes is gone")
}
