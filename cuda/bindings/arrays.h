// SPDX-License-Identifier: Apache-2.0
// The array types of cpp/bindings/arrays.h for device arrays, and the stream argument.
#pragma once

#define FASTCV_CUDA_BINDINGS
#include "bindings/arrays.h"
#include "cuda/core/check.h"

namespace fastcv::bindings {

// Streams cross the boundary as integers, as torch and CuPy hand them out.
inline cudaStream_t stream_from(std::intptr_t stream) { return reinterpret_cast<cudaStream_t>(stream); }
// The same as the type of an argument.
struct StreamHandle {
  std::intptr_t number;
  operator cudaStream_t() const { return stream_from(number); }
};

}  // namespace fastcv::bindings

namespace nanobind::detail {
template <>
struct type_caster<fastcv::bindings::StreamHandle> {
  NB_TYPE_CASTER(fastcv::bindings::StreamHandle, const_name("int"))
  bool from_python(handle source, std::uint8_t flags, cleanup_list* cleanup) noexcept {
    make_caster<std::intptr_t> caster;
    if (!caster.from_python(source, flags, cleanup)) return false;
    value.number = caster.value;
    return true;
  }
};
}  // namespace nanobind::detail
