// SPDX-License-Identifier: Apache-2.0
// Real spherical harmonics of directions, and their derivatives.
#pragma once

#include <cstdint>

namespace fastcv::nerf {

inline constexpr int kMaxSphericalDegree = 8;

// (rows, 3) directions and, where what is asked for is the derivative along them, tangents. P is float or double.
// degree: 1 to kMaxSphericalDegree; out: (rows, degree^2). num_threads 0 means the default.
template <class P>
void spherical_harmonics(int degree, const P* directions, const P* tangents, std::int64_t rows, P* out,
                         int num_threads);

// The gradient by the directions from that by the values.
template <class P>
void spherical_harmonics_vjp(int degree, const P* directions, const P* tangents, std::int64_t rows, const P* grad,
                             P* out, int num_threads);

}  // namespace fastcv::nerf
