// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 against the known-answer vectors of Random123 1.14 (tests/kat_vectors).
#include "core/philox.hd.h"

#include <doctest/doctest.h>

using fastcv::generic::philox;
using fastcv::generic::Philox4;
using fastcv::generic::philox4x32;

namespace {

void check_equal(const Philox4& got, std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  CHECK(got.v[0] == a);
  CHECK(got.v[1] == b);
  CHECK(got.v[2] == c);
  CHECK(got.v[3] == d);
}

}  // namespace

TEST_CASE("philox4x32 gives the published numbers") {
  check_equal(philox4x32({{0, 0, 0, 0}}, 0, 0), 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
  check_equal(philox4x32({{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}}, 0xffffffff, 0xffffffff), 0x408f276d,
              0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
  check_equal(philox4x32({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0), 0xd16cfe09,
              0x94fdcceb, 0x5001e420, 0x24126ea1);
}

TEST_CASE("seed, stream and index are the key and the counter, low words first") {
  const Philox4 got = philox(0x299f31d0a4093822ULL, 0x0370734413198a2eULL, 0x85a308d3243f6a88ULL);
  check_equal(got, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
}
