#!/bin/sh
# Puts docs/example.png together from frames of the cuts that `make samples` leaves in ./cuts (or in the folder named).
set -eu
cuts=${1:-cuts}
here=$(dirname "$0")

# A frame of a cut at a second, brought to a width and height, with round corners.
tile() { echo "trim=end_frame=1,setpts=0,scale=$1:$2:flags=lanczos,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='255*clip(14.5-hypot(max(abs(X-W/2+0.5)-W/2+14,0),max(abs(Y-H/2+0.5)-H/2+14,0)),0,1)'"; }

# 36 pixels around everything, 24 between tiles; two feeds and the gap are as wide as the landscape cut above them.
ffmpeg -v error -y \
	-ss 1 -i "$cuts/tiktok/razor-bumps.mp4" \
	-ss 6 -i "$cuts/youtube/VID_20260914_101500.mp4" \
	-ss 8 -i "$cuts/instagram-feed/headache-medicine.mp4" \
	-ss 5 -i "$cuts/instagram-feed/fever-in-children.mp4" \
	-ss 17 -i "$cuts/tiktok/dry-skin-in-winter.mp4" \
	-filter_complex "
		color=0xF2F5F3:size=1400x727,trim=end_frame=1,format=rgba[page];
		[0:v]$(tile 368 655)[upright]; [1:v]$(tile 544 306)[wide];
		[2:v]$(tile 260 325)[feed]; [3:v]$(tile 260 325)[feed2]; [4:v]$(tile 368 655)[card];
		[page][upright]overlay=36:36[a]; [a][wide]overlay=428:36[b];
		[b][feed]overlay=428:366[c]; [c][feed2]overlay=712:366[d]; [d][card]overlay=996:36,format=rgb24,split[e][f];
		[e]palettegen=max_colors=256[colours]; [f][colours]paletteuse=dither=bayer:bayer_scale=4" \
	-frames:v 1 "$here/example.png"
