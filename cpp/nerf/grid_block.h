// SPDX-License-Identifier: Apache-2.0
// Points as columns, which is how the leaves of the hash grid read them.
#pragma once

#include <cstdint>

namespace fastcv::nerf {

// Column k of what it points to begins at k * stride, which leaves room for whole vectors.
template <class P>
struct GridBlock {
  const P *points, *tangents, *grads;  // the last two may be null
  std::int64_t stride, count;
};

inline constexpr std::int64_t kLongestVector = 16;  // values

}  // namespace fastcv::nerf
