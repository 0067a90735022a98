// SPDX-License-Identifier: Apache-2.0
// The reduced system's kernels, one instance per number of columns.
#pragma GCC optimize("fp-contract=fast")
#include "ba/columns.hd.h"
#include "ba/equations.h"
#include "ba/point_block.hd.h"
#include "ba/reprojection.hd.h"
#include "ba/row.hd.h"
// The declarations come after what they mention.
#include "ba/eliminate_points.leaf.h"

namespace fastcv::FASTCV_ISA::ba {
namespace {

using fastcv::ba::Chunk;
using fastcv::ba::Equations;

constexpr int kShift = 3;  // where a Jacobian's columns of v begin: minus the Jacobian by the point

// The two rows of an observation's Jacobian.
template <int S>
struct Rows2 {
  const float* a;
  FASTCV_HD Rows2(const Equations& e, std::int64_t k) : a(e.jacobian + 2 * k * S) {}
  FASTCV_HD Row<S> row(int r) const { return Row<S>::load(a + r * S); }
  FASTCV_HD double by_shift(int r, int c) const { return a[r * S + kShift + c]; }
};

// B V⁻¹ with the sign of B left out, 2 x 3.
template <int S>
struct Weighted {
  double q[2][3];
  FASTCV_HD Weighted(const Rows2<S>& j, const double* inverse) {
    for (int r = 0; r < 2; ++r) {
      const double x = j.by_shift(r, 0), y = j.by_shift(r, 1), z = j.by_shift(r, 2);
      q[r][0] = x * inverse[0] + y * inverse[1] + z * inverse[2];
      q[r][1] = x * inverse[1] + y * inverse[3] + z * inverse[4];
      q[r][2] = x * inverse[2] + y * inverse[4] + z * inverse[5];
    }
  }
  // Entry (r, c) of B V⁻¹ B_otherᵀ.
  FASTCV_HD double times(int r, const Rows2<S>& other, int c) const {
    return q[r][0] * other.by_shift(c, 0) + q[r][1] * other.by_shift(c, 1) + q[r][2] * other.by_shift(c, 2);
  }
};

// An observation's Jacobian on the left of outer products: a factor for each row of a block.
template <int S>
struct Left {
  double a0[S], a1[S];
  FASTCV_HD Left(const Rows2<S>& j, double sign) {
    Row<S>::load(j.a, sign).store(a0);
    Row<S>::load(j.a + S, sign).store(a1);
  }
  // block += A_leftᵀ t, with the two rows of t; laid out by block_index().
  FASTCV_HD void add_outer(const double* t0, const double* t1, double* block) const {
    constexpr int kWide = S < 8 ? S : S / 8 * 8;
    const Row<kWide> wide0 = Row<kWide>::load(t0), wide1 = Row<kWide>::load(t1);
    FASTCV_UNROLL
    for (int r = 0; r < S; ++r) {
      Row<kWide>::load(block + r * kWide).plus(a0[r], wide0, a1[r], wide1).store(block + r * kWide);
    }
    if constexpr (S > kWide) {
      const Row<S> left0 = Row<S>::load(a0), left1 = Row<S>::load(a1);
      FASTCV_UNROLL
      for (int c = kWide; c < S; ++c) {
        Row<S>::load(block + c * S).plus(t0[c], left0, t1[c], left1).store(block + c * S);
      }
    }
  }
};

// block -= A_aᵀ (B_a V⁻¹ B_bᵀ) A_b, where `left` holds -A_a.
template <int S>
FASTCV_HD void add_pair(const Left<S>& left, const Weighted<S>& q, const Rows2<S>& b, double* block) {
  const Row<S> b0 = b.row(0), b1 = b.row(1);
  double t0[S], t1[S];
  Row<S>::sum(q.times(0, b, 0), b0, q.times(0, b, 1), b1).store(t0);
  Row<S>::sum(q.times(1, b, 0), b0, q.times(1, b, 1), b1).store(t1);
  left.add_outer(t0, t1, block);
}

template <int S>
FASTCV_HD double* clear_partial(const Equations& e, const Chunk& chunk) {
  double* partial = e.partial + chunk.images_begin * S;
  for (std::int64_t i = 0; i < std::int64_t(chunk.num_images) * S; ++i) partial[i] = 0;
  return partial;
}

template <int S>
FASTCV_HD void add_to(double* partial, const Rows2<S>& a, double y0, double y1) {
  Row<S>::load(partial).plus(y0, a.row(0), y1, a.row(1)).store(partial);
}

template <int S>
void product(const Equations& e, const double* x, const Chunk& chunk, double* y) {
  double* partial = clear_partial<S>(e, chunk);
  for (std::int64_t p = chunk.point_begin; p < chunk.point_end; ++p) {
    const std::int64_t begin = e.point_begin[p], end = e.point_begin[p + 1];
    double t[3] = {0, 0, 0}, u[3];
    for (std::int64_t k = begin; k < end; ++k) {
      const Rows2<S> a(e, k);
      const Row<S> xk = Row<S>::load(x + std::int64_t(e.images[k]) * S);
      const double y0 = dot(a.row(0), xk), y1 = dot(a.row(1), xk);
      y[2 * (k - begin)] = y0;
      y[2 * (k - begin) + 1] = y1;
      for (int c = 0; c < 3; ++c) t[c] += a.by_shift(0, c) * y0 + a.by_shift(1, c) * y1;
    }
    multiply_symmetric(e.point_inverse + 6 * p, t, u);
    for (std::int64_t k = begin; k < end; ++k) {
      const Rows2<S> a(e, k);
      double z[2];
      for (int r = 0; r < 2; ++r) {
        z[r] = y[2 * (k - begin) + r] - (a.by_shift(r, 0) * u[0] + a.by_shift(r, 1) * u[1] + a.by_shift(r, 2) * u[2]);
      }
      add_to<S>(partial + std::int64_t(e.local[k]) * S, a, z[0], z[1]);
    }
  }
}

template <int S>
void gradient(const Equations& e, const Chunk& chunk) {
  double* partial = clear_partial<S>(e, chunk);
  for (std::int64_t p = chunk.point_begin; p < chunk.point_end; ++p) {
    double u[3];
    multiply_symmetric(e.point_inverse + 6 * p, e.point_gradient + 3 * p, u);
    for (std::int64_t k = e.point_begin[p]; k < e.point_begin[p + 1]; ++k) {
      const Rows2<S> a(e, k);
      double y[2];
      for (int r = 0; r < 2; ++r) y[r] = -(a.by_shift(r, 0) * u[0] + a.by_shift(r, 1) * u[1] + a.by_shift(r, 2) * u[2]);
      add_to<S>(partial + std::int64_t(e.local[k]) * S, a, y[0], y[1]);
    }
  }
}

template <int S>
double substitute(const Equations& e, const double* x, double* step, const Chunk& chunk) {
  double model = 0;
  for (std::int64_t p = chunk.point_begin; p < chunk.point_end; ++p) {
    // Twice over the point's observations: A x is cheaper to compute again than to keep.
    const double* g = e.point_gradient + 3 * p;
    double t[3] = {-g[0], -g[1], -g[2]}, *s = step + 3 * p;
    const auto ax = [&](const Rows2<S>& a, std::int64_t k, double* y) {
      const Row<S> xk = Row<S>::load(x + std::int64_t(e.images[k]) * S);
      y[0] = dot(a.row(0), xk);
      y[1] = dot(a.row(1), xk);
    };
    for (std::int64_t k = e.point_begin[p]; k < e.point_begin[p + 1]; ++k) {
      const Rows2<S> a(e, k);
      double y[2];
      ax(a, k, y);
      for (int c = 0; c < 3; ++c) t[c] += a.by_shift(0, c) * y[0] + a.by_shift(1, c) * y[1];
    }
    multiply_symmetric(e.point_inverse + 6 * p, t, s);
    for (std::int64_t k = e.point_begin[p]; k < e.point_begin[p + 1]; ++k) {
      const Rows2<S> a(e, k);
      double y[2];
      ax(a, k, y);
      for (int r = 0; r < 2; ++r) {
        y[r] -= a.by_shift(r, 0) * s[0] + a.by_shift(r, 1) * s[1] + a.by_shift(r, 2) * s[2];
        model += y[r] * y[r];
      }
    }
  }
  return model;
}

}  // namespace

void damp_points(const Equations& e, double lambda, std::int64_t index) {
  const Chunk& chunk = e.chunks[index];
  for (std::int64_t p = chunk.point_begin; p < chunk.point_end; ++p) {
    double* inverse = e.point_inverse + 6 * p;
    invert_damped(e.point_hessian + 6 * p, lambda, inverse);
    for (int i = 0; i < 6; ++i) inverse[i] = e.point_free[p] ? inverse[i] : 0;
  }
}

FASTCV_HD void prefetch_jacobian(const Equations& e, std::int64_t i, std::int64_t image) {
  constexpr std::int64_t kAhead = 12;
  if (i + kAhead >= e.image_begin[image + 1]) return;
  const char* from = reinterpret_cast<const char*>(e.jacobian + 2 * e.by_image[i + kAhead] * e.columns);
  __builtin_prefetch(from);
  __builtin_prefetch(from + 64);
  __builtin_prefetch(e.point_inverse + 6 * std::int64_t(e.image_points[i + kAhead]));
}

void image_hessian(const Equations& e, std::int64_t image, double* hessian) {
  with_columns(e.columns, [&](auto size) {
    constexpr int S = decltype(size)::kSize;
    for (int i = 0; i < S * S; ++i) hessian[i] = 0;
    for (std::int64_t i = e.image_begin[image]; i < e.image_begin[image + 1]; ++i) {
      prefetch_jacobian(e, i, image);
      const Left<S> a({e, e.by_image[i]}, 1);
      a.add_outer(a.a0, a.a1, hessian);
    }
  });
}

// The tracks of an image's observations lie anywhere: what will be read soon is asked for in two steps, the second of
// which reads what the first one brought.
FASTCV_HD void prefetch_track(const Equations& e, std::int64_t i, std::int64_t image, const std::int64_t* next) {
  constexpr std::int64_t kFar = 12, kNear = 5;
  const std::int64_t end = e.image_begin[image + 1];
  if (i + kFar < end) {
    const std::int64_t p = e.image_points[i + kFar];
    __builtin_prefetch(e.point_begin + p);
    __builtin_prefetch(e.point_inverse + 6 * p);
  }
  if (i + kNear < end) {
    const std::int64_t k = e.by_image[i + kNear];
    const std::int64_t first = next ? next[i + kNear - e.image_begin[image]] : e.point_begin[e.image_points[i + kNear]];
    const char* from = reinterpret_cast<const char*>(e.jacobian + 2 * first * e.columns);
    __builtin_prefetch(reinterpret_cast<const char*>(e.jacobian + 2 * k * e.columns));
    __builtin_prefetch(e.images + first);
    for (int line = 0; line < 4; ++line) __builtin_prefetch(from + 64 * line);
  }
}

void add_schur_row(const Equations& e, std::int64_t image, std::int32_t images_begin, std::int32_t images_end,
                   const std::int64_t* slots, std::int64_t* next, double* row) {
  with_columns(e.columns, [&](auto size) {
    constexpr int S = decltype(size)::kSize;
    for (std::int64_t i = e.image_begin[image]; i < e.image_begin[image + 1]; ++i) {
      const std::int64_t k = e.by_image[i], p = e.image_points[i], position = i - e.image_begin[image];
      prefetch_track(e, i, image, images_begin == 0 ? nullptr : next);
      std::int64_t other = images_begin > 0 ? next[position] : e.point_free[p] ? e.point_begin[p] : k + 1;
      if (other <= k && e.images[other] < images_end) {
        const Rows2<S> a(e, k);
        const Left<S> left(a, -1);
        const Weighted<S> q(a, e.point_inverse + 6 * p);
        for (; other <= k && e.images[other] < images_end; ++other) {
          const std::int64_t slot = slots[e.images[other]];
          if (slot >= 0) add_pair<S>(left, q, Rows2<S>(e, other), row + slot * (S * S));
        }
      }
      next[position] = other;
    }
  });
}

void add_schur_diagonal(const Equations& e, std::int64_t image, double* block) {
  with_columns(e.columns, [&](auto size) {
    constexpr int S = decltype(size)::kSize;
    for (std::int64_t i = e.image_begin[image]; i < e.image_begin[image + 1]; ++i) {
      prefetch_jacobian(e, i, image);
      const Rows2<S> a(e, e.by_image[i]);
      add_pair<S>({a, -1}, Weighted<S>(a, e.point_inverse + 6 * std::int64_t(e.image_points[i])), a, block);
    }
  });
}

void eliminated_gradient(const Equations& e, std::int64_t chunk) {
  with_columns(e.columns, [&](auto size) { gradient<decltype(size)::kSize>(e, e.chunks[chunk]); });
}

void schur_product(const Equations& e, const double* x, std::int64_t chunk, double* scratch) {
  with_columns(e.columns, [&](auto size) { product<decltype(size)::kSize>(e, x, e.chunks[chunk], scratch); });
}

double back_substitute(const Equations& e, const double* x, double* step, std::int64_t chunk) {
  double model = 0;
  with_columns(e.columns, [&](auto size) { model = substitute<decltype(size)::kSize>(e, x, step, e.chunks[chunk]); });
  return model;
}

}  // namespace fastcv::FASTCV_ISA::ba
