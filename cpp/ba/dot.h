// SPDX-License-Identifier: Apache-2.0
// The product of two vectors, in order.
#pragma once

#include <vector>

namespace fastcv::ba {

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace fastcv::ba
