// SPDX-License-Identifier: Apache-2.0
// One element of an array of any of the types.
#pragma once

#include <cstdint>

#include "core/small_floats.hd.h"
#include "ode/pass.h"

namespace fastcv::FASTCV_ISA {

FASTCV_HD double element(const void* array, fastcv::ode::Scalar type, std::int64_t i) {
  switch (type) {
    case fastcv::ode::Scalar::float64:
      return static_cast<const double*>(array)[i];
    case fastcv::ode::Scalar::float32:
      return static_cast<const float*>(array)[i];
    case fastcv::ode::Scalar::float16:
      return float_from_half(std::int32_t(static_cast<const std::uint16_t*>(array)[i]));
    default:
      return float_from_bfloat(std::int32_t(static_cast<const std::uint16_t*>(array)[i]));
  }
}

FASTCV_HD void set_element(void* array, fastcv::ode::Scalar type, std::int64_t i, double x) {
  switch (type) {
    case fastcv::ode::Scalar::float64:
      static_cast<double*>(array)[i] = x;
      break;
    case fastcv::ode::Scalar::float32:
      static_cast<float*>(array)[i] = static_cast<float>(x);
      break;
    case fastcv::ode::Scalar::float16:
      static_cast<std::uint16_t*>(array)[i] = static_cast<std::uint16_t>(half_from_float(static_cast<float>(x)));
      break;
    default:
      static_cast<std::uint16_t*>(array)[i] = static_cast<std::uint16_t>(bfloat_from_float(static_cast<float>(x)));
  }
}

// An estimate of data within its sample's threshold, in units of it.
FASTCV_HD double thresholded(double x, double threshold) {
  const double low = x < -threshold ? -threshold : x;
  return (low > threshold ? threshold : low) / threshold;
}

}  // namespace fastcv::FASTCV_ISA
