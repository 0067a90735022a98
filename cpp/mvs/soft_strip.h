// SPDX-License-Identifier: Apache-2.0
// How long the parts of rows are that soft-argmin works on at a time.
#pragma once

#include <cstdint>

namespace fastcv::mvs {

constexpr std::int64_t kSoftStrip = 512;  // what is kept of its pixels stays in the first cache

}  // namespace fastcv::mvs
