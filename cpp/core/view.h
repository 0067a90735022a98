// SPDX-License-Identifier: Apache-2.0
// Borrowed C-contiguous arrays: plain data, passed by value, valid in a CUDA kernel. Indices are 64-bit everywhere.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace fastcv {

// (rows, Cols) with the number of columns known to the compiler.
template <class T, int Cols>
struct Rows {
  T* data;
  std::int64_t rows;
  FASTCV_HD T* operator[](std::int64_t row) const { return data + row * Cols; }
};

// Rank dimensions, the last one contiguous.
template <class T, int Rank>
struct View {
  T* data;
  std::int64_t shape[Rank];

  template <class... Index>
  FASTCV_HD T& operator()(Index... index) const {
    static_assert(sizeof...(Index) == Rank);
    const std::int64_t indices[Rank] = {static_cast<std::int64_t>(index)...};
    std::int64_t offset = indices[0];
    for (int d = 1; d < Rank; ++d) offset = offset * shape[d] + indices[d];
    return data[offset];
  }
  FASTCV_HD std::int64_t size() const {
    std::int64_t n = 1;
    for (int d = 0; d < Rank; ++d) n *= shape[d];
    return n;
  }
};

}  // namespace fastcv
