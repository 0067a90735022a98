// SPDX-License-Identifier: Apache-2.0
// Errors and scores of many models over many correspondences. T is float or double.
#pragma once

#include "core/view.h"

namespace fastcv::geometry {

// errors: (models, correspondences).
template <class T>
void sampson_errors(Rows<const T, 2> points1, Rows<const T, 2> points2, Rows<const T, 9> models, T* errors,
                    int num_threads);

// scores: (models, 2), Σ max(0, 1 - error² / threshold²) and the number of errors below the threshold.
template <class T>
void sampson_scores(Rows<const T, 2> points1, Rows<const T, 2> points2, Rows<const T, 9> models, double threshold,
                    Rows<double, 2> scores, int num_threads);
template <class T>
void reprojection_scores(Rows<const T, 2> points2D, Rows<const T, 3> points3D, Rows<const T, 12> models,
                         double threshold, Rows<double, 2> scores, int num_threads);

}  // namespace fastcv::geometry
