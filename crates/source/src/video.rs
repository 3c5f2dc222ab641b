//! Videos as pictures: one frame for each so many seconds, read by `ffmpeg` where it is installed.
//!
//! A frame is the first one at its time or after it, and its id is the video's path with that time, as in
//! `clip.mp4#t=12.0`. Frames come as JPEG, one at a time. A video that cannot be read, or only in part, is bad alone.

mod ffmpeg;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use linprobe_core::{BadRecord, Content, Metadata, Record, RecordId, Records, Source, SourceError};

use self::ffmpeg::Frames;
use crate::{SourceOptions, failure::unsupported, folder, place::Place, splits::SPLIT};

/// Endings of videos.
const VIDEOS: [&str; 9] = ["mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "ogv"];

/// The time between frames where none is asked for.
const EVERY: Duration = Duration::from_secs(1);

/// What stands between the path of a video and the time of a frame.
const TIME: &str = "#t=";

/// Videos, one or a folder of them, in natural order of their paths.
#[derive(Debug)]
pub(crate) struct Videos {
    fingerprint: String,
    every: Duration,
    files: Vec<Video>,
}

#[derive(Debug)]
struct Video {
    path: PathBuf,
    /// Its path below the folder, with forward slashes.
    name: Option<String>,
    label: Option<String>,
    split: Option<String>,
}

/// Whether the name of a file says that it is a video.
pub(crate) fn is_video(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    VIDEOS.contains(&ending.as_str())
}

impl Videos {
    /// Lists them; none is opened.
    pub(crate) fn open(
        place: &Place,
        options: &SourceOptions,
        fingerprint: String,
    ) -> Result<Self, SourceError> {
        let every = options.every.unwrap_or(EVERY);
        if every < Duration::from_millis(1) {
            let hint = "name a number of seconds, such as 0.5";
            return Err(unsupported(place.root(), "frames must be some time apart", hint));
        }
        ffmpeg::require(place.root())?;
        let video = |path: PathBuf| {
            let below = place.below(&path);
            let (name, label) = (folder::slashed(below), folder::class_of(below));
            Video { name, label, split: place.split_of_record(&path), path }
        };
        let videos: Vec<Video> = place.files(is_video)?.into_iter().map(video).collect();
        if videos.is_empty() {
            let hint = format!("their names end in {}", VIDEOS.join(", "));
            return Err(unsupported(place.root(), "the folder holds no videos", hint));
        }
        Ok(Self { fingerprint, every, files: videos })
    }

    /// The frames of a video, and what is wrong with it behind those that could be read.
    fn frames<'a>(
        &'a self,
        video: &'a Video,
    ) -> impl Iterator<Item = Result<Record, BadRecord>> + Send + 'a {
        let frames = Frames::throughout(&video.path, self.every);
        frames.zip(0_u32..).map(move |(frame, place)| {
            let picture = frame.map_err(|reason| video.bad(None, reason))?;
            video.record(self.every * place, picture)
        })
    }
}

impl Video {
    fn record(&self, time: Duration, picture: Vec<u8>) -> Result<Record, BadRecord> {
        let name = self.name.as_deref();
        let name = name.ok_or_else(|| self.bad(None, "the file name is not UTF-8".into()))?;
        let seconds = seconds(time);
        let id = RecordId::new(format!("{name}{TIME}{seconds}"));
        let id = id.map_err(|reason| self.bad(None, reason.to_string()))?;
        let split = self.split.iter().map(|split| (SPLIT.to_owned(), split.clone()));
        let told = [("video".to_owned(), name.to_owned()), ("seconds".to_owned(), seconds)];
        let metadata: Metadata = told.into_iter().chain(split).collect();
        Ok(Record { id, content: Content::Image(picture), label: self.label.clone(), metadata })
    }

    fn bad(&self, id: Option<RecordId>, reason: String) -> BadRecord {
        BadRecord { file: self.path.clone(), row: None, id, reason }
    }
}

impl Source for Videos {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn records(&self) -> Records<'_> {
        let frames = self.files.iter().flat_map(|video| self.frames(video));
        Box::new(frames.map(|frame| frame.map_err(SourceError::from)))
    }

    /// Goes to the frame without reading those before it.
    fn record(&self, id: &RecordId) -> Result<Record, SourceError> {
        let not_found = || SourceError::NotFound { id: id.clone() };
        let (name, time) = id.as_str().rsplit_once(TIME).ok_or_else(not_found)?;
        let video = self.files.iter().find(|video| video.name.as_deref() == Some(name));
        let video = video.ok_or_else(not_found)?;
        let time = time.parse().ok().and_then(|time| Duration::try_from_secs_f64(time).ok());
        let time = time.ok_or_else(not_found)?;
        match Frames::at(&video.path, time).next() {
            Some(Ok(picture)) => Ok(video.record(time, picture)?),
            Some(Err(reason)) => Err(video.bad(Some(id.clone()), reason).into()),
            None => Err(not_found()),
        }
    }
}

/// A time in seconds, with one to three digits behind the point.
fn seconds(time: Duration) -> String {
    let text = format!("{}.{:03}", time.as_secs(), time.subsec_millis());
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_as_many_digits_as_it_needs_and_one_at_least() {
        let of = |millis| seconds(Duration::from_millis(millis));
        assert_eq!([of(0), of(12_000), of(500), of(10_250)], ["0.0", "12.0", "0.5", "10.25"]);
    }
}
