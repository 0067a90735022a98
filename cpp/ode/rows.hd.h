// SPDX-License-Identifier: Apache-2.0
// The rows of a pass for one element, or for a vector of neighbours.
#pragma once

#include "core/lanes.hd.h"

namespace fastcv::FASTCV_ISA {

// To [-clip, clip]; NaN stays.
template <class V>
FASTCV_HD V clipped(V x, V clip) {
  x = x < -clip ? -clip : x;
  return x > clip ? clip : x;
}
#ifndef __CUDACC__
FASTCV_HD Floats clipped(Floats x, Floats clip) { return smaller(clip, larger(-clip, x)); }
#endif

// coefficient(o, k) is what column k has in row o; a column is an input, and behind them an output of an earlier row.
template <int kColumns, int kRows, class V, class Coefficient>
FASTCV_HD void combine_rows(const V* columns, V* rows, const V* clip, const Coefficient& coefficient) {
  FASTCV_UNROLL
  for (int o = 0; o < kRows; ++o) {
    V sum = coefficient(o, 0) * columns[0];
    FASTCV_UNROLL
    for (int k = 1; k < kColumns; ++k) sum = sum + coefficient(o, k) * columns[k];
    FASTCV_UNROLL
    for (int before = 0; before < o; ++before) sum = sum + coefficient(o, kColumns + before) * rows[before];
    rows[o] = clipped(sum, clip[o]);
  }
}

}  // namespace fastcv::FASTCV_ISA
