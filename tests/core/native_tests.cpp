// SPDX-License-Identifier: Apache-2.0
// The main function of the native tests; each *_test.cpp beside its room's Python tests adds cases.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
