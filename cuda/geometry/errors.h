// SPDX-License-Identifier: Apache-2.0
// Errors and scores of many models over many correspondences, on a GPU.
#pragma once

#include <cuda_runtime_api.h>

#include "core/view.h"

namespace fastcv::cuda::geometry {

// As in fastcv::geometry; arrays live on the current device. Scores are summed in a fixed order: the same every time,
// but not to the bit the CPU's.
template <class T>
void sampson_errors(Rows<const T, 2> points1, Rows<const T, 2> points2, Rows<const T, 9> models, T* errors,
                    cudaStream_t stream);
template <class T>
void sampson_scores(Rows<const T, 2> points1, Rows<const T, 2> points2, Rows<const T, 9> models, double threshold,
                    Rows<double, 2> scores, cudaStream_t stream);
template <class T>
void reprojection_scores(Rows<const T, 2> points2D, Rows<const T, 3> points3D, Rows<const T, 12> models,
                         double threshold, Rows<double, 2> scores, cudaStream_t stream);

}  // namespace fastcv::cuda::geometry
