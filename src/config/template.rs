//! The practice.toml that a practice starts from.

/// A practice.toml for the practice of that name: every option with its default, commented out, and one line on what
/// it does. It loads as it stands.
pub fn template(name: &str) -> String {
    let name = toml::Value::from(name.trim());
    TEMPLATE.replace("{name}", &name.to_string())
}

/// Lines that begin with `#` and no space are options; without the `#` they still load (a test sees to it).
const TEMPLATE: &str = r##"# Housecall: who you are and how your clips should look.
# Lines that begin with # are switched off and show what happens without them. Take the # away to change one.

[practice]
# The name of the practice, as patients know it. The only line that has to be here.
name = {name}
# Your name on social media. It marks the picture if you have no logo.
#handle = "@yourpractice"
# Phone number and web address on the card at the end, as they should be printed.
#phone = "(555) 010-0199"
#site = "yourpractice.example"
# What patients should do next, on the card at the end and in the text of the post.
#call_to_action = "Book a visit"
# Stands on the card at the end and in the text of the post.
#disclaimer = "General information, not medical advice."
# Added to the text of every post.
#hashtags = ["#askaclinician"]

[brand]
# Your logo: a PNG file with a transparent background, in the same folder as this file.
#logo = "logo.png"
# Your colour, behind the question at the start and the card at the end.
#colour = "#1F6F5C"

[watermark]
# Your mark in a corner of the picture, all the time.
#enabled = true
# Whether the logo is part of the mark. Without this line: if [brand] names one.
#logo = true
# Words in the mark. Without this line: your handle or name if there is no logo, else none.
#text = "@yourpractice"
# The corner: "top-left", "top-right", "bottom-left" or "bottom-right".
#corner = "top-right"
# How solid the mark is, from 0.05 (hardly seen) to 1.0 (solid).
#opacity = 0.85
# Width of the logo as a share of the picture's width, from 0.05 to 0.5. A tall logo is kept smaller than that.
#size = 0.16

[captions]
# "clear" shows phrases in calm white; "spoken" also colours the word that is being said.
#style = "clear"
# Whether "two milligrams" is written "2 mg". The value never changes.
#digits = true

[hook]
# The patient's question over the first seconds.
#enabled = true
# How long it stands, from 0.5 to 10 seconds.
#seconds = 3.0

[end_card]
# The closing card with your logo, name, call to action, phone, site and disclaimer.
#enabled = true
# How long it stands, from 0.5 to 15 seconds. It makes every cut that much longer.
#seconds = 3.0
# "last-frame" shows it over the last picture, darkened; "plain" over your colour.
#background = "last-frame"

[speech]
# Which Whisper model listens; `housecall models` lists them. Without this line: the right one for the language.
#model = "small.en"
# The language that is spoken: "en", "es", any other code, or "auto" to find out.
#language = "en"

[intake]
# Larger pictures and longer clips are not taken; a damaged file may claim any size. Sides up to 16384 pixels, up to 600 minutes.
#max_side = 8192
#max_minutes = 30

[glossary]
# Lists of terms and of what is often heard instead: "dental", "dermatology", "general-practice", "physiotherapy".
#packs = ["dermatology"]
# Names and words of your own, spelled as they should be.
#terms = ["Dr. Okafor", "Alder Lane"]
# What is heard, and what is meant.
#replace = { "all the lane" = "Alder Lane" }

[review]
# Which clips wait in cuts/held until somebody approves them: "flagged" (something in them was flagged), "all" or "none".
#require = "flagged"

[checks]
# What may always be said, besides your name, handle, phone and site: the people who speak for you, your address.
#allow = ["Dr. Okafor", "12 Alder Lane"]
# Checks by the names that the report gives: left out, holding a clip, or only noted.
#off = ["negated-instruction"]
#hold = ["dose"]
#note = ["superiority"]

[cuts]
# Where you post; `housecall platforms` lists what each one takes. Without this line: all of them.
#platforms = ["tiktok", "instagram-reels", "youtube-shorts", "youtube"]
# A clip of another shape: "fill" crops it, "fit" shows all of it over a blurred copy, "auto" crops unless too much is lost.
#framing = "auto"
# The point that cropping keeps in view: across and down, from 0.0 (left, top) to 1.0 (right, bottom).
#anchor = [0.5, 0.4]
# Whether cropping follows the speaker's face; the point above counts while no face is seen.
#follow = true
# A clip that is too long for a platform: "skip" leaves that platform out, "trim" ends after the last sentence that fits.
#when_too_long = "skip"
# Leaves out the silence before the first and after the last word.
#trim = true
# Shortens pauses that are longer than so many seconds, from 0.7 to 10, such as 1.2. false leaves them as they are.
#tighten_pauses = false
# "x264" makes the same file on every computer; "auto" uses the graphics chip where that works, which is faster.
#encoder = "x264"

# What one platform takes can be changed here, such as a longer limit for your account.
#[platform.x]
#max_seconds = 1200
#max_megabytes = 8000
"##;
