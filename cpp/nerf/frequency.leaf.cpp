// SPDX-License-Identifier: Apache-2.0
// The frequency encoding over blocks of coordinates, whose waves lie in one line. Compiled once per instruction set.
#include "nerf/frequency.hd.h"
// The declarations come after what they mention.
#include "nerf/frequency.leaf.h"

namespace fastcv::FASTCV_ISA::nerf {
namespace {

using fastcv::nerf::FrequencyBands;
using fastcv::nerf::kMaxFrequencies;

constexpr int kCoordinates = 32;  // at a time: all of theirs stays in the nearest cache

// Arguments and amplitudes of the waves of a block of coordinates, one coordinate after the other.
template <int Order, class T>
class Waves {
 public:
  explicit Waves(const FrequencyBands& bands) : count_(bands.count) {
    for (int k = 0; k < count_; ++k) {
      octaves_[k] = static_cast<T>(std::uint32_t(1) << k);
      amplitudes_[k] = wave_amplitude<Order>(bands, k, octaves_[k]);
    }
  }

  // along: what the amplitudes of each coordinate are multiplied by, or null.
  void read(const T* points, const T* along, int coordinates) {
    for (int i = 0; i < coordinates; ++i) {
      const T x = points[i], v = along == nullptr ? T(1) : along[i];
      for (int k = 0; k < count_; ++k) {
        half_turns[i * count_ + k] = octaves_[k] * x;
        factors[i * count_ + k] = amplitudes_[k] * v;
      }
    }
  }

  T half_turns[kCoordinates * kMaxFrequencies], factors[kCoordinates * kMaxFrequencies];

 private:
  const int count_;
  T octaves_[kMaxFrequencies], amplitudes_[kMaxFrequencies];
};

template <class Body>
void for_blocks(const FrequencyBands& bands, std::int64_t rows, const Body& body) {
  const std::int64_t n = rows * bands.dims;
  for (std::int64_t i = 0; i < n; i += kCoordinates) {
    body(i, static_cast<int>(n - i < kCoordinates ? n - i : kCoordinates));
  }
}

template <int Order, class T>
void encode(const FrequencyBands& bands, const T* points, const T* tangents, std::int64_t rows, T* out) {
  Waves<Order, T> waves(bands);
  T pairs[2 * kCoordinates * kMaxFrequencies];
  const int pair = 2 * bands.count;
  for_blocks(bands, rows, [&](std::int64_t begin, int count) {
    waves.read(points + begin, Order == 0 ? nullptr : tangents + begin, count);
    T* to = bands.include_input ? pairs : out + bands.waves_at(begin);
    for (int i = 0; i < count * bands.count; ++i) {
      const SineCosine<T> at = wave<Order>(waves.half_turns[i]);
      to[2 * i] = waves.factors[i] * at.sine;
      to[2 * i + 1] = waves.factors[i] * at.cosine;
    }
    if (!bands.include_input) return;
    for (int i = 0; i < count; ++i) {
      out[bands.input_at(begin + i)] = (Order == 0 ? points : tangents)[begin + i];
      __builtin_memcpy(out + bands.waves_at(begin + i), pairs + i * pair, pair * sizeof(T));
    }
  });
}

template <int Order, class T>
void differentiate(const FrequencyBands& bands, const T* points, const T* tangents, std::int64_t rows, const T* grad,
                   T* out) {
  Waves<Order, T> waves(bands);
  T pairs[2 * kCoordinates * kMaxFrequencies], parts[kCoordinates * kMaxFrequencies];
  const int pair = 2 * bands.count;
  for_blocks(bands, rows, [&](std::int64_t begin, int count) {
    waves.read(points + begin, nullptr, count);
    const T* from = bands.include_input ? pairs : grad + bands.waves_at(begin);
    for (int i = 0; i < count && bands.include_input; ++i) {
      __builtin_memcpy(pairs + i * pair, grad + bands.waves_at(begin + i), pair * sizeof(T));
    }
    for (int i = 0; i < count * bands.count; ++i) {
      const SineCosine<T> at = wave<Order>(waves.half_turns[i]);
      parts[i] = waves.factors[i] * (at.sine * from[2 * i] + at.cosine * from[2 * i + 1]);
    }
    for (int i = 0; i < count; ++i) {
      T sum = 0;
      for (int k = 0; k < bands.count; ++k) sum += parts[i * bands.count + k];
      if (Order == 1 && bands.include_input) sum += grad[bands.input_at(begin + i)];
      out[begin + i] = Order == 1 ? sum : sum * tangents[begin + i];
    }
  });
}

}  // namespace

template <class T>
void frequency_encoding(const FrequencyBands& bands, const T* points, const T* tangents, std::int64_t rows, T* out) {
  tangents == nullptr ? encode<0>(bands, points, tangents, rows, out) : encode<1>(bands, points, tangents, rows, out);
}

template <class T>
void frequency_encoding_vjp(const FrequencyBands& bands, const T* points, const T* tangents, std::int64_t rows,
                            const T* grad, T* out) {
  tangents == nullptr ? differentiate<1>(bands, points, tangents, rows, grad, out)
                      : differentiate<2>(bands, points, tangents, rows, grad, out);
}

#define FASTCV_INSTANTIATE(T)                                                                    \
  template void frequency_encoding(const FrequencyBands&, const T*, const T*, std::int64_t, T*); \
  template void frequency_encoding_vjp(const FrequencyBands&, const T*, const T*, std::int64_t, const T*, T*);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::FASTCV_ISA::nerf
