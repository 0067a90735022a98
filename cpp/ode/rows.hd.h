// SPDX-License-Identifier: Apache-2.0
// The rows of a pass for one element, or for a vector of neighbours.
#pragma once

#include "core/lanes.hd.h"

namespace fastcv::FASTCV_ISA {

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
    sum = sum < -clip[o] ? -clip[o] : sum;  // NaN stays
    rows[o] = sum > clip[o] ? clip[o] : sum;
  }
}

}  // namespace fastcv::FASTCV_ISA
