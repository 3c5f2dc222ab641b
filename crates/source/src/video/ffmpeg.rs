//! Frames of a video from a process of `ffmpeg`, which writes them to a pipe, each with its length.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    thread::{self, JoinHandle},
    time::Duration,
};

use linprobe_core::SourceError;

use crate::{MAX_IMAGE_BYTES, failure::unsupported};

const PROGRAM: &str = "ffmpeg";

/// Bytes of its complaints that are kept.
const MAX_SAID: u64 = 4096;

/// The longest line before a frame.
const MAX_LINE: u64 = 1024;

/// What times may be wrong by, in seconds: three tenths are less than three times a tenth.
const SLACK: f64 = 1e-4;

/// Makes sure that it is installed.
pub(super) fn require(location: &Path) -> Result<(), SourceError> {
    let mut command = Command::new(PROGRAM);
    command.arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        _ => {
            let hint = "install it (apt install ffmpeg, brew install ffmpeg), or make a folder of pictures";
            Err(unsupported(location, "videos are read by ffmpeg, which is not installed", hint))
        }
    }
}

/// Frames in their order. After what is wrong there are none.
pub(super) struct Frames {
    process: Option<Process>,
    /// Why it could not be started.
    failure: Option<String>,
}

struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
    said: Option<JoinHandle<String>>,
}

impl Frames {
    /// One frame for each span of time.
    pub(super) fn throughout(video: &Path, every: Duration) -> Self {
        let every = every.as_secs_f64();
        let filter = format!(
            "setpts=PTS-STARTPTS,select='gte(t+{SLACK},{every}*selected_n)',setpts=N/FRAME_RATE/TB"
        );
        let mut command = command();
        Self::start(input(&mut command, video).args(["-vf", &filter]))
    }

    /// The frame at a time.
    pub(super) fn at(video: &Path, time: Duration) -> Self {
        let time = (time.as_secs_f64() - SLACK).max(0.0);
        let mut command = command();
        command.args(["-ss", &format!("{time:.6}")]);
        Self::start(input(&mut command, video).args(["-frames:v", "1"]))
    }

    fn start(command: &mut Command) -> Self {
        command.args(["-an", "-sn", "-dn", "-c:v", "mjpeg", "-q:v", "2", "-flags", "+bitexact"]);
        command.args(["-f", "mpjpeg", "pipe:1"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        match command.spawn() {
            Ok(child) => Self { process: Process::new(child), failure: None },
            Err(error) => Self { process: None, failure: Some(error.to_string()) },
        }
    }
}

/// It says what is wrong and nothing else, and opens files alone: a list that calls itself a video reaches no server.
fn command() -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["-nostdin", "-hide_banner", "-v", "error", "-protocol_whitelist", "file,pipe"]);
    command
}

/// With the name of a protocol, no file is taken for an option.
fn input<'a>(command: &'a mut Command, video: &Path) -> &'a mut Command {
    let mut named = std::ffi::OsString::from("file:");
    named.push(video);
    command.arg("-i").arg(named)
}

impl Process {
    fn new(mut child: Child) -> Option<Self> {
        let (out, said) = (child.stdout.take()?, child.stderr.take()?);
        let said = Some(thread::spawn(move || complaints(said)));
        Some(Self { child, out: BufReader::new(out), said })
    }

    fn next_frame(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut length = None;
        loop {
            let mut line = String::new();
            if (&mut self.out).take(MAX_LINE).read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let line = line.trim_end();
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse::<u64>().ok();
            }
            // An empty line ends the head of a frame, and another one stands behind it.
            if let (true, Some(length)) = (line.is_empty(), length) {
                return self.read_frame(length).map(Some);
            }
        }
    }

    fn read_frame(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let mut frame = Vec::new();
        (&mut self.out).take(length.min(MAX_IMAGE_BYTES)).read_to_end(&mut frame)?;
        if frame.len() as u64 == length {
            Ok(frame)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    /// What it came to: why it ended before its time.
    fn end(mut self) -> Option<String> {
        let status = self.child.wait();
        let said = self.said.take().and_then(|said| said.join().ok()).unwrap_or_default();
        match status {
            Ok(status) if status.success() => None,
            Ok(_) if said.is_empty() => Some("ffmpeg cannot read it".to_owned()),
            Ok(_) => Some(format!("ffmpeg cannot read it: {said}")),
            Err(error) => Some(error.to_string()),
        }
    }
}

/// The first thing that it complains of. All is read, or it would wait for ever.
fn complaints(mut said: ChildStderr) -> String {
    let mut first = Vec::new();
    // What cannot be read was not said.
    drop((&mut said).take(MAX_SAID).read_to_end(&mut first));
    drop(io::copy(&mut said, &mut io::sink()));
    let first = String::from_utf8_lossy(&first);
    first.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

impl Iterator for Frames {
    type Item = Result<Vec<u8>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(failure) = self.failure.take() {
            return Some(Err(failure));
        }
        match self.process.as_mut()?.next_frame() {
            Ok(Some(frame)) => Some(Ok(frame)),
            Ok(None) => self.process.take()?.end().map(Err),
            Err(error) => {
                let ended = self.process.take().and_then(Process::end);
                Some(Err(ended.unwrap_or_else(|| error.to_string())))
            }
        }
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            drop(process.child.kill());
            drop(process.child.wait());
        }
    }
}
