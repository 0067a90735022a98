// SPDX-License-Identifier: Apache-2.0
// The pass of a sampler, strip by strip, compiled once per instruction set.
#include <cmath>
#include <type_traits>

#include "ode/strip.h"
// The declarations come after what they mention.
#include "ode/step.leaf.h"

namespace fastcv::FASTCV_ISA::ode {
namespace {

template <class T>
constexpr Scalar kScalarOf = std::is_same_v<T, double> ? Scalar::float64 : Scalar::float32;

// Columns that the loop goes through: the inputs, and the noise where there is any.
FASTCV_HD int num_columns(const Pass& pass) { return pass.num_inputs + (pass.sample_ids != nullptr ? 1 : 0); }

// The place of one of those columns, or of an output behind them, in a row of the caller's table.
FASTCV_HD int table_column(const Pass& pass, int k) {
  return k < num_columns(pass) ? k : k + (pass.sample_ids == nullptr);
}

template <class T>
struct Scratch {
  alignas(64) T columns[kMostInputs + 1][kStrip];
  alignas(64) T rows[kMostOutputs][kStrip];
  alignas(64) float normals[4 * kStrip];
  std::uint32_t block[kStrip], id_low[kStrip], id_high[kStrip];
  alignas(64) OneForEach<T> coefficients;
};

// Whether a whole sample can be walked through in the caller's arrays.
template <class T>
bool needs_strips(const Pass& pass) {
  bool needs = pass.sample_ids != nullptr || pass.norms != nullptr;
  for (int k = 0; k < pass.num_inputs; ++k) needs |= pass.input_types[k] != kScalarOf<T>;
  for (int o = 0; o < pass.num_outputs; ++o) needs |= pass.output_types[o] != kScalarOf<T>;
  return needs;
}

template <class T>
SameForAll<T> coefficients_of(const Pass& pass, std::int64_t sample) {
  SameForAll<T> result;
  const std::int64_t row = pass.rows == 1 ? 0 : sample;
  const double* table = pass.coefficients + row * pass.num_outputs * (pass.num_inputs + pass.num_outputs);
  for (int o = 0; o < pass.num_outputs; ++o) {
    for (int k = 0; k < num_columns(pass) + o; ++k) {
      result.c[o][k] = static_cast<T>(table[o * pass.num_columns() + table_column(pass, k)]);
    }
  }
  return result;
}

// x0 y0 x1 y1 ... of the lower and the upper halves of two vectors.
FASTCV_HD void interleave(Floats x, Floats y, Floats& lower, Floats& upper) {
  Ints of_lower, of_upper;
  for (int i = 0; i < kLanes; ++i) {
    of_lower[i] = i / 2 + i % 2 * kLanes;
    of_upper[i] = of_lower[i] + kLanes / 2;
  }
  lower = __builtin_shuffle(x, y, of_lower);
  upper = __builtin_shuffle(x, y, of_upper);
}

// Normal numbers of the first `count` blocks of the scratch, side by side: four each, or two of one pair.
template <class T>
void fill_normals(const Pass& pass, int count, int pairs, Scratch<T>& s, float* normals) {
  for (int i = count; i % kLanes != 0; ++i) s.block[i] = s.id_low[i] = s.id_high[i] = 0;
  for (int i = 0; i < count; i += kLanes) {
    Floats quad[4], even[2], odd[2];
    normal_quad(pass.seed, load<Unsigned>(s.id_low + i), load<Unsigned>(s.id_high + i), pass.step,
                load<Unsigned>(s.block + i), pairs, quad);
    if (pairs == 1) {
      interleave(quad[0], quad[1], even[0], even[1]);
      for (int j = 0; j < 2; ++j) store(normals + 2 * i + j * kLanes, even[j]);
      continue;
    }
    interleave(quad[0], quad[2], even[0], even[1]);
    interleave(quad[1], quad[3], odd[0], odd[1]);
    for (int half = 0; half < 2; ++half) {
      interleave(even[half], odd[half], quad[0], quad[1]);
      for (int j = 0; j < 2; ++j) store(normals + 4 * i + (2 * half + j) * kLanes, quad[j]);
    }
  }
}

// `blocks` blocks of a sample from `first` on, to places `at` of the scratch on.
template <class T>
void name_blocks(const Pass& pass, std::int64_t sample, std::int64_t first, int blocks, int at, Scratch<T>& s) {
  const auto id = static_cast<std::uint64_t>(pass.sample_ids[sample]);
  for (int i = 0; i < blocks; ++i) {
    s.block[at + i] = static_cast<std::uint32_t>(first + i);
    s.id_low[at + i] = static_cast<std::uint32_t>(id);
    s.id_high[at + i] = static_cast<std::uint32_t>(id >> 32);
  }
}

// Sixteen sums side by side, then one: the same order on every machine.
template <class T>
double sum_of_squared_errors(const Pass& pass, const T* x, const T* y, const T* error, std::int64_t n) {
  constexpr int kSums = 16;
  double sums[kSums] = {}, total = 0;
  for (std::int64_t i = 0; i < n; i += kSums) {
    const int count = static_cast<int>(n - i < kSums ? n - i : kSums);
    for (int j = 0; j < count; ++j) {
      const double a = std::fabs(double(x[i + j])), b = std::fabs(double(y[i + j]));
      const double e = error[i + j] / (pass.absolute + pass.relative * (a > b ? a : b));
      sums[j] += e * e;
    }
  }
  for (int j = 0; j < kSums; ++j) total += sums[j];
  return total;
}

// n elements from place `begin` of the arrays on; the noise, where there is any, lies in the scratch.
template <class T, class Coefficients>
void run(const Pass& pass, const Coefficients& coefficients, std::int64_t begin, std::int64_t n, bool stream,
         Scratch<T>& s) {
  Work<T> work;
  for (int k = 0; k < pass.num_inputs; ++k) {
    if (pass.input_types[k] == kScalarOf<T>) {
      work.columns[k] = static_cast<const T*>(pass.inputs[k]) + begin;
    } else {
      read(pass.inputs[k], pass.input_types[k], begin, n, s.columns[k]);
      work.columns[k] = s.columns[k];
    }
  }
  work.columns[pass.num_inputs] = s.columns[pass.num_inputs];
  for (int o = 0; o < pass.num_outputs; ++o) {
    const bool direct = pass.output_types[o] == kScalarOf<T> && pass.norms == nullptr;
    T* array = static_cast<T*>(pass.outputs[o]);
    work.rows[o] = direct ? (array == nullptr ? nullptr : array + begin) : s.rows[o];
    work.clip[o] = static_cast<T>(pass.clip[o]);
  }
  combine_any(num_columns(pass), pass.num_outputs, work, coefficients, n, stream);
}

// After run(): errors are summed before any output may overwrite an input, then rows go from the scratch to the arrays.
template <class T>
void write_rows(const Pass& pass, std::int64_t begin, std::int64_t n, const Scratch<T>& s) {
  for (int o = 0; o < pass.num_outputs; ++o) {
    const bool direct = pass.output_types[o] == kScalarOf<T> && pass.norms == nullptr;
    if (!direct && pass.outputs[o] != nullptr) write(s.rows[o], pass.outputs[o], pass.output_types[o], begin, n);
  }
}

template <class T>
double squared_errors(const Pass& pass, std::int64_t begin, std::int64_t offset, std::int64_t n, const Scratch<T>& s) {
  const T* y = s.rows[0] + offset;
  const T* x = pass.num_inputs == 0                  ? y
               : pass.input_types[0] == kScalarOf<T> ? static_cast<const T*>(pass.inputs[0]) + begin + offset
                                                     : s.columns[0] + offset;
  return sum_of_squared_errors(pass, x, y, s.rows[pass.num_outputs - 1] + offset, n);
}

template <class T>
void strips(const Pass& pass, std::int64_t begin, std::int64_t end, bool stream) {
  Scratch<T> s;
  const bool by_strips = needs_strips<T>(pass);
  while (begin < end) {
    const std::int64_t sample = begin / pass.strips(), first = begin % pass.strips();
    const std::int64_t last = first + (end - begin) < pass.strips() ? first + (end - begin) : pass.strips();
    const SameForAll<T> coefficients = coefficients_of<T>(pass, sample);
    for (std::int64_t strip = first; strip < last; strip = by_strips ? strip + 1 : last) {
      const std::int64_t from = strip * kStrip, until = by_strips ? from + kStrip : last * kStrip;
      const std::int64_t n = (until < pass.size ? until : pass.size) - from, place = sample * pass.size + from;
      if (pass.sample_ids != nullptr) {
        const int blocks = static_cast<int>((n + 3) / 4);
        name_blocks(pass, sample, from / 4, blocks, 0, s);
        if constexpr (std::is_same_v<T, float>) {
          fill_normals(pass, blocks, 2, s, s.columns[pass.num_inputs]);
        } else {
          fill_normals(pass, blocks, 2, s, s.normals);
          for (std::int64_t i = 0; i < n; ++i) s.columns[pass.num_inputs][i] = s.normals[i];
        }
      }
      run(pass, coefficients, place, n, stream, s);
      if (pass.norms != nullptr) pass.partial[sample * pass.strips() + strip] = squared_errors(pass, place, 0, n, s);
      if (by_strips) write_rows(pass, place, n, s);
    }
    begin += last - first;
  }
}

// The first `size` of every `stride` numbers, sample after sample; kSize is that size where it is known.
template <int kSize, class T>
void gather_samples(const float* from, int stride, std::int64_t count, std::int64_t size, T* to) {
  const std::int64_t n = kSize > 0 ? kSize : size;
  for (std::int64_t b = 0; b < count; ++b) {
    for (std::int64_t i = 0; i < n; ++i) to[b * n + i] = from[b * stride + i];
  }
}
// A coefficient of every sample, for each of its elements.
template <int kSize, class T>
void spread_samples(const double* from, std::int64_t stride, std::int64_t count, std::int64_t size, T* to) {
  const std::int64_t n = kSize > 0 ? kSize : size;
  for (std::int64_t b = 0; b < count; ++b) {
    const T value = static_cast<T>(from[b * stride]);
    for (std::int64_t i = 0; i < n; ++i) to[b * n + i] = value;
  }
}

template <int kSize, class T>
void prepare_samples(const Pass& pass, std::int64_t begin, std::int64_t count, Scratch<T>& s) {
  if (pass.sample_ids != nullptr) {
    const int blocks = static_cast<int>((pass.size + 3) / 4), pairs = pass.size <= 2 ? 1 : 2;
    for (std::int64_t b = 0; b < count; ++b) {
      name_blocks(pass, begin + b, 0, blocks, static_cast<int>(b * blocks), s);
    }
    fill_normals(pass, static_cast<int>(count * blocks), pairs, s, s.normals);
    gather_samples<kSize>(s.normals, 2 * pairs * blocks, count, pass.size, s.columns[pass.num_inputs]);
  }
  if (pass.rows == 1) return;
  const std::int64_t stride = pass.num_outputs * pass.num_columns();
  const double* table = pass.coefficients + begin * stride;
  for (int o = 0; o < pass.num_outputs; ++o) {
    for (int k = 0; k < num_columns(pass) + o; ++k) {
      const double* from = table + o * pass.num_columns() + table_column(pass, k);
      spread_samples<kSize>(from, stride, count, pass.size, s.coefficients.c[o][k]);
    }
  }
}

// Whole samples that fit into a strip together.
template <class T>
void few_samples(const Pass& pass, std::int64_t begin, std::int64_t count, Scratch<T>& s) {
  const std::int64_t size = pass.size, place = begin * size, n = count * size;
  switch (size) {
    case 1:
      prepare_samples<1>(pass, begin, count, s);
      break;
    case 2:
      prepare_samples<2>(pass, begin, count, s);
      break;
    case 3:
      prepare_samples<3>(pass, begin, count, s);
      break;
    default:
      prepare_samples<0>(pass, begin, count, s);
  }
  if (pass.rows == 1) {
    run(pass, coefficients_of<T>(pass, 0), place, n, false, s);
  } else {
    run(pass, s.coefficients, place, n, false, s);
  }
  for (std::int64_t b = 0; b < count && pass.norms != nullptr; ++b) {
    pass.partial[begin + b] = squared_errors(pass, place, b * size, size, s);
  }
  write_rows(pass, place, n, s);
}

}  // namespace

void step_strips(const Pass& pass, std::int64_t begin, std::int64_t end, bool stream) {
  if (pass.is_double()) {
    strips<double>(pass, begin, end, stream);
  } else {
    strips<float>(pass, begin, end, stream);
  }
#if defined(__SSE2__)
  if (stream) _mm_sfence();  // such writes are ordered by nothing else
#endif
}

void step_samples(const Pass& pass, std::int64_t begin, std::int64_t end) {
  const auto each = [&](auto& scratch) {
    const std::int64_t blocks = (pass.size + 3) / 4, together = kStrip / (4 * blocks);  // in quads of noise
    for (; begin < end; begin += together) {
      few_samples(pass, begin, end - begin < together ? end - begin : together, scratch);
    }
  };
  if (pass.is_double()) {
    Scratch<double> scratch;
    each(scratch);
  } else {
    Scratch<float> scratch;
    each(scratch);
  }
}

}  // namespace fastcv::FASTCV_ISA::ode
