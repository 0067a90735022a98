// SPDX-License-Identifier: Apache-2.0
// Splits the rows of the frequency encoding over threads and calls the leaf for this processor.
#include "nerf/frequency.h"

#include <algorithm>

#include "core/huge_pages.h"
#include "core/parallel.h"

#define FASTCV_LEAF "nerf/frequency.leaf.h"
#include "core/leaf.h"

namespace fastcv::nerf {
namespace {

template <class P>
void encode_range(const FrequencyBands& bands, const P* points, const P* tangents, std::int64_t rows, P* out) {
  FASTCV_DISPATCH(nerf::frequency_encoding(bands, points, tangents, rows, out));
}
template <class P>
void vjp_range(const FrequencyBands& bands, const P* points, const P* tangents, std::int64_t rows, const P* grad,
               P* out) {
  FASTCV_DISPATCH(nerf::frequency_encoding_vjp(bands, points, tangents, rows, grad, out));
}

// Rows that have about 2^17 features: 0.1 ms.
std::int64_t grain(const FrequencyBands& bands) {
  return std::max<std::int64_t>(1, (1 << 17) / std::max<std::int64_t>(1, bands.width()));
}

}  // namespace

template <class P>
void frequency_encoding(const FrequencyBands& bands, const P* points, const P* tangents, std::int64_t rows, P* out,
                        int num_threads) {
  advise_huge_pages(out, static_cast<std::size_t>(rows * bands.width()) * sizeof(P));
  parallel_for(rows, grain(bands), num_threads, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t at = begin * bands.dims;
    encode_range(bands, points + at, tangents == nullptr ? nullptr : tangents + at, end - begin,
                 out + begin * bands.width());
  });
}

template <class P>
void frequency_encoding_vjp(const FrequencyBands& bands, const P* points, const P* tangents, std::int64_t rows,
                            const P* grad, P* out, int num_threads) {
  parallel_for(rows, grain(bands), num_threads, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t at = begin * bands.dims;
    vjp_range(bands, points + at, tangents == nullptr ? nullptr : tangents + at, end - begin,
              grad + begin * bands.width(), out + at);
  });
}

#define FASTCV_INSTANTIATE(P)                                                                         \
  template void frequency_encoding(const FrequencyBands&, const P*, const P*, std::int64_t, P*, int); \
  template void frequency_encoding_vjp(const FrequencyBands&, const P*, const P*, std::int64_t, const P*, P*, int);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::nerf
