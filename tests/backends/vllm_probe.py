"""`idf-eval` in vLLM's environment, with the backend's keywords that the command line does not have: `vllm_probe.py OPTIONS`."""

from __future__ import annotations


def main() -> None:
    from idf.backends import VLLMBackend
    from idf.cli.evaluate import main as evaluate

    VLLMBackend.__init__.__kwdefaults__ |= {"dtype": "float32", "enforce_eager": True}
    evaluate()


if __name__ == "__main__":  # the processes of vLLM import this file
    main()
