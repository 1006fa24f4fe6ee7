# A thin skin on boot.py; without make, `python3 boot.py demo` does the same.
# ARGS are passed on (make demo ARGS=--check); PORT chooses another port (make demo PORT=9000).
PYTHON ?= python3
ifdef PORT
export PORT
endif

.PHONY: demo test nightly spark bench setup lock
demo test nightly spark bench setup lock:
	@$(PYTHON) boot.py $@ $(ARGS)
