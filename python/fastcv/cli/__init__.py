# SPDX-License-Identifier: Apache-2.0
"""The command ``fastcv``: reads arguments, calls the pipeline, shows what happens."""
