//! The linear classifier: fitting, calibration, metrics and safe file formats.
