// SPDX-License-Identifier: Apache-2.0
// Unbounded space into a ball, or a cube, of radius 2, and back. Source: Barron et al. 2022, "Mip-NeRF 360", eq. 10.
#pragma once

#include <cstdint>

namespace fastcv::nerf {

enum class ContractionNorm { l2, linf };

struct Contraction {
  ContractionNorm norm;
  bool inverse;
};

// (rows, 3). With tangents, what an op computes is its derivative along them.
template <class T>
struct ContractionPoints {
  const T* points;
  const T* tangents;  // null: none
  std::int64_t rows;
};

template <class T>
void contract(const Contraction& contraction, const ContractionPoints<T>& points, T* out, int num_threads);

// The transposed Jacobian times grad.
template <class T>
void contract_vjp(const Contraction& contraction, const ContractionPoints<T>& points, const T* grad, T* out,
                  int num_threads);

}  // namespace fastcv::nerf
