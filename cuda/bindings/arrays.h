// SPDX-License-Identifier: Apache-2.0
// The array types of cpp/bindings/arrays.h for device arrays, and the stream argument.
#pragma once

#define FASTCV_CUDA_BINDINGS
#include "bindings/arrays.h"
#include "cuda/core/check.h"

namespace fastcv::bindings {

// Streams cross the boundary as integers, as torch and CuPy hand them out.
inline cudaStream_t stream_from(std::intptr_t stream) { return reinterpret_cast<cudaStream_t>(stream); }

}  // namespace fastcv::bindings
