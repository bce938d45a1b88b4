"""The little studio that makes Housecall's sample clips: voice, picture, sound and files."""
