"""Train LogisticRegression on hand-written digits and write `model/sklearn_mnist_model.pkl`.

scikit-learn's own digits are 8 by 8 pixels; enlarged to 28 by 28 and set to black or white,
they stand in for MNIST's.
"""

from pathlib import Path

import joblib
import numpy as np
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

HALF = 0.5

digits = load_digits()
images = digits.images / 16.0
enlarged = np.stack([zoom(image, 3.5, order=1) for image in images])
pixels = (enlarged >= HALF).astype(float).reshape(len(images), 28 * 28)
model = LogisticRegression(max_iter=1000, random_state=42).fit(pixels, digits.target)

path = Path(__file__).parent / "model" / "sklearn_mnist_model.pkl"
path.parent.mkdir(exist_ok=True)
joblib.dump(model, path)
print(f"wrote {path}")  # noqa: T201  # a program says what it did
