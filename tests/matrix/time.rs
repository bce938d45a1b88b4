//! A flash and a beep each second, however the phone counts time.
