#!/bin/sh
# R's detectors and estimators, timed by the script that lies with the reference cases.
exec env TZ=UTC Rscript "$@"
