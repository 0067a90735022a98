# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of every room against its peers: python -m benchmarks --help."""
