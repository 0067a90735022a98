// SPDX-License-Identifier: Apache-2.0
// One pass of a sampler over its arrays, as plain data: what is read, what is written, and the rows between.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace fastcv::ode {

inline constexpr int kMostInputs = 8, kMostOutputs = 3;
// Columns of a row: the inputs, the noise, the outputs before this one.
inline constexpr int kMostColumns = kMostInputs + kMostOutputs;
// Elements whose squared errors are summed at once; it fixes the order of the sums.
inline constexpr int kStrip = 512;

enum class Scalar : int { float64, float32, float16, bfloat16 };

constexpr int size_of(Scalar type) { return type == Scalar::float64 ? 8 : type == Scalar::float32 ? 4 : 2; }

// Output o of sample b is clip_o(sum over k of c[b][o][k] column k): of the inputs, a standard normal number for each
// element (one for all outputs), and the outputs before it, as clipped. Arrays are (samples, size), contiguous.
struct Pass {
  std::int64_t samples, size;
  int num_inputs, num_outputs;
  const void* inputs[kMostInputs];
  Scalar input_types[kMostInputs];
  void* outputs[kMostOutputs];  // may be an input's array; null: for the outputs after it alone
  Scalar output_types[kMostOutputs];
  double clip[kMostOutputs];       // to [-clip, clip]; infinite: not at all, NaN passes
  const double* coefficients;      // (rows, num_outputs, num_inputs + num_outputs)
  std::int64_t rows;               // 1 or samples
  const std::int64_t* sample_ids;  // (samples); null: no noise
  std::uint64_t seed;
  std::uint32_t step;
  double* norms;    // (samples); null: none. Root mean square of the last output / (absolute + relative * the larger of
  double* partial;  // |input 0| and |output 0|), by way of (samples, strips()) sums
  double absolute, relative;

  FASTCV_HD int num_columns() const { return num_inputs + num_outputs; }
  FASTCV_HD std::int64_t strips() const { return (size + kStrip - 1) / kStrip; }
  // Arithmetic is that of the widest array, at least float32.
  FASTCV_HD bool is_double() const {
    for (int k = 0; k < num_inputs; ++k) {
      if (input_types[k] == Scalar::float64) return true;
    }
    for (int o = 0; o < num_outputs; ++o) {
      if (output_types[o] == Scalar::float64) return true;
    }
    return false;
  }
};

}  // namespace fastcv::ode
