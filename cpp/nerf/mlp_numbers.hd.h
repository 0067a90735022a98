// SPDX-License-Identifier: Apache-2.0
// Numbers of networks as they are stored and as they are computed with.
#pragma once

#include <type_traits>

#include "core/small_floats.hd.h"

namespace fastcv::FASTCV_ISA {

FASTCV_HD float real(float x) { return x; }
FASTCV_HD double real(double x) { return x; }
FASTCV_HD float real(Half x) { return to_float(x); }
FASTCV_HD float real(Bfloat x) { return float_from_bfloat(std::int32_t(x.bits)); }

// A number as a T, to nearest.
template <class T, class Real>
FASTCV_HD T as(Real x) {
  if constexpr (std::is_same_v<T, Half>) {
    return {static_cast<std::uint16_t>(half_from_float(x))};
  } else if constexpr (std::is_same_v<T, Bfloat>) {
    return {static_cast<std::uint16_t>(bfloat_from_float(x))};
  } else {
    return x;
  }
}

}  // namespace fastcv::FASTCV_ISA
