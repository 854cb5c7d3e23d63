#!/bin/sh
# clips.sh: makes the spoken answers of the phone pages, src/sound/*.mp3, with Debian's espeak-ng, sox and
# lame. Run by hand after the words changed; what it makes is committed. What a synthesiser speaks is
# no copy of it: the clips carry the licence of this project.
set -eu
cd "$(dirname "$0")/../src/sound"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
clip() { # NAME VOICE WORDS
    espeak-ng -v "$2" -s 150 -w "$work/raw.wav" "$3"
    # silence cut off at both ends, as loud as may be
    sox "$work/raw.wav" -r 16000 -c 1 "$work/clip.wav" silence 1 0.01 1% reverse silence 1 0.01 1% \
        reverse pad 0.03 0.1 norm -1
    lame --quiet --noreplaygain -t -m m -b 24 "$work/clip.wav" "$1.mp3"
}
clip pass-zh cmn '通过'
clip check-zh cmn '请店员核验'
clip refuse-zh cmn '请稍候'
clip pass-en en-gb 'Pass'
clip check-en en-gb 'Please ask the staff to check'
clip refuse-en en-gb 'Please wait here'
