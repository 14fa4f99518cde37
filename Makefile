# Each word is a verb of dsys_lab/launch.py, which says what it does and works without make.
#   make lab [PORT=8888]    make test    make notebooks [NB=13]    make bench
#   make flink    make links REPO=owner/name [BRANCH=main]    make clean
PYTHON ?= python3
SETTINGS = $(foreach name,PORT NB REPO BRANCH,$(if $($(name)),$(name)=$($(name))))

.PHONY: install lab test notebooks flink bench links clean
install lab test notebooks flink bench links clean:
	@$(PYTHON) dsys_lab/launch.py $@ $(SETTINGS)
