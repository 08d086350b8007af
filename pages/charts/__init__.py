"""What all our charts share: colours, marks, axes, lines and bands, and pictures that stand alone.

SVG without a drawing library, on purpose. The report and the pictures in MLflow and Prefect may run no script, weigh
some kilobytes, follow light and dark, fit a phone, and say more where one points. Plotly needs 4.5 MB of script in a
page; matplotlib knows neither colours by name nor words at a point, and importing it would be half a second of every
monitoring run. The backtest's page alone zooms, and is plotly's; it takes colours and marks from here.
"""
