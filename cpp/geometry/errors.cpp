// SPDX-License-Identifier: Apache-2.0
// Splits errors over correspondences and scores over models.
#include "geometry/errors.h"

#include "core/interrupt.h"
#include "core/parallel.h"
#include "geometry/consensus.h"
#include "geometry/errors.hd.h"

namespace fastcv::geometry {
namespace {

// About 0.2 ms of work a range: a correspondence takes a nanosecond.
template <Residual kind, class T, int Cols>
void score_models(const ColumnStore<T>& columns, Rows<const T, Cols> models, double threshold, Rows<double, 2> scores,
                  int num_threads) {
  const std::int64_t grain = (1 << 18) / (columns.rows() + 1) + 1;
  parallel_for(models.rows, grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t m = begin; m < end; ++m) {
      const Consensus result = consensus<kind>(models[m], columns.view(), static_cast<T>(threshold), -1.0);
      scores[m][0] = result.score;
      scores[m][1] = static_cast<double>(result.num_inliers);
    }
  });
}

}  // namespace

template <class T>
void sampson_errors(Rows<const T, 2> points1, Rows<const T, 2> points2, Rows<const T, 9> models, T* errors,
                    int num_threads) {
  const generic::ErrorOne<generic::SampsonPairs<T>, T> one{{points1, points2}, models.data, errors};
  parallel_for(models.rows * points1.rows, 1 << 15, num_threads, [&one](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) one(i);
  });
}

template <class T>
void sampson_scores(Rows<const T, 2> points1, Rows<const T, 2> points2, Rows<const T, 9> models, double threshold,
                    Rows<double, 2> scores, int num_threads) {
  ColumnStore<T> columns(points1.rows, generic::Sampson::kColumns);
  polled_for(points1.rows, [&](std::int64_t i) {
    const T row[] = {points1[i][0], points1[i][1], points2[i][0], points2[i][1], T(1), T(1)};
    for (int k = 0; k < generic::Sampson::kColumns; ++k) columns(i, k) = row[k];
  });
  score_models<Residual::sampson>(columns, models, threshold, scores, num_threads);
}

template <class T>
void reprojection_scores(Rows<const T, 2> points2D, Rows<const T, 3> points3D, Rows<const T, 12> models,
                         double threshold, Rows<double, 2> scores, int num_threads) {
  ColumnStore<T> columns(points2D.rows, generic::Reprojection::kColumns);
  polled_for(points2D.rows, [&](std::int64_t i) {
    const T row[] = {points3D[i][0], points3D[i][1], points3D[i][2], points2D[i][0], points2D[i][1], T(1)};
    for (int k = 0; k < generic::Reprojection::kColumns; ++k) columns(i, k) = row[k];
  });
  score_models<Residual::reprojection>(columns, models, threshold, scores, num_threads);
}

#define FASTCV_INSTANTIATE(T)                                                                                       \
  template void sampson_errors(Rows<const T, 2>, Rows<const T, 2>, Rows<const T, 9>, T*, int);                      \
  template void sampson_scores(Rows<const T, 2>, Rows<const T, 2>, Rows<const T, 9>, double, Rows<double, 2>, int); \
  template void reprojection_scores(Rows<const T, 2>, Rows<const T, 3>, Rows<const T, 12>, double, Rows<double, 2>, int)
FASTCV_INSTANTIATE(float);
FASTCV_INSTANTIATE(double);
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::geometry
