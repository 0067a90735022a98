// SPDX-License-Identifier: Apache-2.0
// Models as plain row-major numbers.
#pragma once

#include <array>

namespace fastcv::geometry {

using Matrix3 = std::array<double, 9>;  // row-major
using Pose = std::array<double, 12>;    // [R | t], row-major

}  // namespace fastcv::geometry
