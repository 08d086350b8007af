"""The one chart maker of the report, the backtest's page, the gate and the pictures in MLflow and Prefect.

`axes.py` places values, `paths.py` draws lines and bands, `marks.py` and `colours.py` say how things look. A page's
charts are the plain values of `chart.py`, which `charts.html.jinja` draws; a picture that stands alone is `picture.py`.

SVG without a drawing library, on purpose. The report and the pictures may run no script, weigh some kilobytes, follow
light and dark, fit a phone, and say more where one points. Plotly needs 4.5 MB of script in a page; matplotlib knows
neither colours by name nor words at a point, and importing it would be half a second of every monitoring run.
"""
